import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runCaptured, verbs } from 'alertproof/cli'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { launchBrowser, maySkip, NoBrowser } from './launch.ts'
import { look } from './look.ts'

/** The report of a replay, in a real Chromium: a hostile log does nothing in it, and everybody can read it. */

const HOSTILE = `"'></title></svg><script>document.title = 'taken'</script><img src="https://example.com/x" onerror="document.title = 'taken'">`
const monitor = {
  ...{ name: HOSTILE, type: 'log alert', message: 'm' },
  query: 'logs("@outcome:fail").index("*").rollup("count").by("@ip").last("5m") > 2',
  options: { thresholds: { critical: 2 }, new_group_delay: 0, on_missing_data: 'resolve' },
}
const events = ['203.0.113.9', HOSTILE].flatMap((ip, i) =>
  [0, 1, 2].map((second) => ({ timestamp: new Date(Date.UTC(2026, 0, 5, 9, i, second)), outcome: 'fail', ip })),
)

let browser: Browser | undefined
let missing: string | undefined
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ato report '))
  await writeFile(join(folder, 'monitor.json'), JSON.stringify(monitor))
  await writeFile(join(folder, 'log.jsonl'), events.map((event) => `${JSON.stringify(event)}\n`).join(''))
  browser = await launchBrowser().catch((error: unknown) => {
    if (!(error instanceof NoBrowser) || !maySkip(process.env)) throw error
    missing = error.message
    return undefined
  })
})
beforeEach(({ skip }) => skip(missing !== undefined, missing))
afterAll(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})

test('the report of a hostile log runs nothing, loads nothing, and can be read in both themes and sizes', async () => {
  const at = (name: string) => join(folder, name)
  const { command } = await verbs.replay()
  const { code } = await runCaptured(command, [
    ...[at('log.jsonl'), '--detections', at('monitor.json'), '--html', at('report.html')],
  ])
  expect(code).toBe(0)
  if (!browser) throw new Error('there is no browser')
  const url = pathToFileURL(at('report.html')).href
  const strict = await browser.newPage()
  await strict.goto(url)
  expect(await strict.evaluate("getComputedStyle(document.querySelector('main')).maxWidth")).toBe('960px')
  // Without its policy, which would also stop axe, only the escaping keeps the text of the log from running.
  const page = await browser.newPage({ bypassCSP: true })
  const asked: string[] = []
  const faults: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  page.on('pageerror', (error) => faults.push(error.message))
  await page.goto(url)
  expect(await page.title()).toBe(`Replay of ${at('log.jsonl')}`)
  expect(await page.locator('script, img, iframe, link').count()).toBe(0)
  expect(await page.locator('svg').count()).toBe(2)
  expect(await page.getByText("<script>document.title = 'taken'</script>").count()).toBeGreaterThan(2)
  await look(page, 'report')
  expect({ asked, faults }).toEqual({ asked: [url], faults: [] })
})
