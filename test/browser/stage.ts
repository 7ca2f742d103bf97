import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { openConsole } from '../../cli/console/open.ts'
import { type LabHandle, startLab } from '../../lab/start/lab.ts'
import { removeLab } from '../../lab/stores/remove.ts'
import { launchBrowser, maySkip, NoBrowser } from './launch.ts'
import { openVisitor, type Visitor, type VisitorOptions } from './visitor.ts'

/** A whole lab and a browser. */
export interface Stage {
  lab: LabHandle
  visitor(options: VisitorOptions): Promise<Visitor>
  /** Closes the visitors so far. @throws when anything went wrong in one of them */
  leave(): Promise<void>
  close(): Promise<void>
}

/**
 * One stage for all tests of a file. Without a browser they are skipped with a warning; in CI they fail. Each
 * test's visitors leave after it, and what went wrong in their browsers fails it.
 * @param settings of the apps, by variable
 * @param console whether the console can run attacks and decide about containments, as that of `npm start` can
 */
export function useStage(
  settings: Readonly<Record<string, string>> = {},
  { console = false }: { readonly console?: boolean } = {},
): Pick<Stage, 'lab' | 'visitor'> {
  let stage: Stage | undefined
  let missing: string | undefined
  beforeAll(async () => {
    try {
      stage = await openStage(settings, console)
    } catch (error) {
      if (!(error instanceof NoBrowser) || !maySkip(process.env)) throw error
      missing = error.message
      process.stderr.write(`\nTHE BROWSER TESTS ARE SKIPPED. ${missing}\n\n`)
    }
  })
  beforeEach(({ skip }) => skip(missing !== undefined, missing))
  afterEach(() => stage?.leave())
  afterAll(() => stage?.close())
  const open = (): Stage => {
    if (!stage) throw new Error('the stage is open only while tests run')
    return stage
  }
  return {
    get lab() {
      return open().lab
    },
    visitor: (options) => open().visitor(options),
  }
}

/** @throws NoBrowser before anything else is started */
async function openStage(settings: Readonly<Record<string, string>>, console: boolean): Promise<Stage> {
  const browser = await launchBrowser()
  const dir = await mkdtemp(join(tmpdir(), 'ato browser '))
  const removeDir = async () => {
    await removeLab(dir)
    await rm(dir, { recursive: true, force: true })
  }
  const opened = console ? openConsole(dir, () => {}) : undefined
  const lab = await startLab({
    dir,
    ports: { web: 0, functions: 0, datadog: 0 },
    settings,
    log: () => {},
    ...(opened && { console: opened.ports }),
  }).catch(async (error: unknown) => {
    await Promise.allSettled([browser.close(), removeDir()])
    throw error
  })
  const visitors = new Set<Visitor>()
  return {
    lab,
    visitor: async (options) => {
      const visitor = await openVisitor(browser, lab.urls.web, options)
      visitors.add(visitor)
      return visitor
    },
    leave: async () => {
      const faults = [...visitors].flatMap((visitor) => visitor.faults)
      await Promise.all([...visitors].map((visitor) => visitor.close()))
      visitors.clear()
      expect(faults).toEqual([])
    },
    close: async () => {
      await browser.close()
      await opened?.close()
      await lab.stop()
      await removeDir()
    },
  }
}
