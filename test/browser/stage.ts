import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { expect } from 'vitest'
import { type LabHandle, startLab } from '../../lab/start.ts'
import { removeLab } from '../../lab/stores/remove.ts'
import { launchBrowser } from './launch.ts'
import { openVisitor, type Visitor, type VisitorOptions } from './visitor.ts'

/** A whole lab and a browser, for one test file. */
export interface Stage {
  lab: LabHandle
  browser: Browser
  visitor(options: VisitorOptions): Promise<Visitor>
  /** Closes the visitors so far. @throws when anything went wrong in one of them */
  leave(): Promise<void>
  close(): Promise<void>
}

/** @throws NoBrowser before anything else is started */
export async function openStage(settings: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const browser = await launchBrowser()
  const dir = await mkdtemp(join(tmpdir(), 'ato browser '))
  const removeDir = async () => {
    await removeLab(dir)
    await rm(dir, { recursive: true, force: true })
  }
  const lab = await startLab({ dir, ports: { web: 0, functions: 0, datadog: 0 }, settings, log: () => {} }).catch(
    async (error: unknown) => {
      await Promise.allSettled([browser.close(), removeDir()])
      throw error
    },
  )
  const visitors = new Set<Visitor>()
  return {
    lab,
    browser,
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
      await lab.stop()
      await removeDir()
    },
  }
}
