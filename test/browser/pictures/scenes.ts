import { setTimeout } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import type { AttackRun, Trace } from '../../../lab/console/api.ts'
import type { LabHandle } from '../../../lab/start/lab.ts'
import { CHROME_ON_WINDOWS } from '../visitor.ts'
import { animationOf } from './animation.ts'
import { Film } from './film.ts'
import { signInAsNew } from './person.ts'
import { readPng } from './png.ts'

/** Small enough to be read in a README of 830 px, large enough to be read at all. */
const FILM_SIZE = { width: 1120, height: 720 }
const PICTURE_SIZE = { width: 1440, height: 860 }
const ATTACK_MS = 90_000
const READ_MS = 3_500
const POLL_MS = 200
/** Between the steps of the story, so that it can be followed. */
const PACE = '1000'

/**
 * Steals the session of a person who is signed in, and looks at it: as the thief, as the analyst, as the owner.
 * @returns the files by name
 */
export async function takePictures(browser: Browser, lab: LabHandle): Promise<Map<string, Buffer>> {
  const pictures = new Map<string, Buffer>()
  const context = await browser.newContext({
    viewport: FILM_SIZE,
    userAgent: CHROME_ON_WINDOWS,
    locale: 'en-GB',
    timezoneId: 'Etc/UTC',
    colorScheme: 'light',
    reducedMotion: 'reduce',
  })
  await robSomebodyElse(lab)
  const owner = await context.newPage()
  await signInAsNew(owner, lab.urls)
  const page = await context.newPage()
  const film = new Film()
  await film.hold(owner, READ_MS)
  await robThem(page, film, lab)
  await film.hold(page, READ_MS)
  const loop = `#/loop?trace=${encodeURIComponent(await loopOf(lab))}`
  await page.goto(`${lab.urls.datadog}/${loop}`)
  await page.getByRole('heading', { name: 'Loop', level: 1 }).waitFor()
  await page.getByText('First refusal').first().waitFor()
  await film.hold(page, 2 * READ_MS)
  await goTo(page, 'Sessions')
  await film.hold(page, READ_MS)
  await owner.bringToFront()
  await owner.getByRole('alert').waitFor()
  await film.hold(owner, READ_MS)
  pictures.set('console.png', animationOf(film.frames))

  await page.setViewportSize(PICTURE_SIZE)
  for (const [view, name] of [
    ['Loop', 'console-loop.png'],
    ['Monitors', 'console-monitors.png'],
    ['Sessions', 'console-sessions.png'],
  ] as const) {
    await page.bringToFront()
    if (view === 'Loop') await page.goto(`${lab.urls.datadog}/${loop}`)
    else await goTo(page, view)
    await page.waitForLoadState('networkidle')
    pictures.set(name, await still(page))
  }
  await context.close()
  return pictures
}

/** An invented person first: the lab is warm then, and has more than one session to show. */
async function robSomebodyElse({ urls }: LabHandle): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ slug: 'session-reuse', target: 'web', seed: 5 })
  const begun = await fetch(`${urls.datadog}/lab/attacks`, { method: 'POST', headers, body })
  if (begun.status !== 202) throw new Error(`The console runs no attack: ${begun.status}`)
  let isOver = false
  while (!isOver) {
    const { running } = (await (await fetch(`${urls.datadog}/lab/attacks`)).json()) as { running: AttackRun[] }
    isOver = running.every(({ ended_at }) => ended_at !== null)
    await setTimeout(POLL_MS)
  }
}

/** From the console, on the session of the person at the screen; the page shows what happens, line by line. */
async function robThem(page: Page, film: Film, { urls }: LabHandle): Promise<void> {
  await page.goto(`${urls.datadog}/#/attacks?slug=session-reuse`)
  await page.getByLabel('On my own session').check()
  await page.getByLabel('Pace').selectOption(PACE)
  await film.hold(page, READ_MS)
  const button = page.getByRole('button', { name: 'Rob my session' })
  await button.focus()
  await film.hold(page, READ_MS)
  await button.press('Enter')
  await page.getByRole('button', { name: 'Stop' }).waitFor()
  await film.until(page, page.getByText('all checks hold').waitFor({ timeout: ATTACK_MS }))
}

/** The trace of the theft, of the monitor: a rule of Cloud SIEM of the same name has another. */
async function loopOf({ urls }: LabHandle): Promise<string> {
  const answer = await fetch(`${urls.datadog}/lab/traces`)
  const { traces } = (await answer.json()) as { traces: Trace[] }
  const theft = traces.find(({ detection, by, closed }) => detection === 'session-reuse' && by === 'monitor' && closed)
  if (!theft) throw new Error('No trace of the theft ends with a refused request')
  return theft.id
}

async function goTo(page: Page, view: string): Promise<void> {
  await page
    .getByRole('navigation', { name: 'Views' })
    .getByRole('link', { name: new RegExp(`^${view}`) })
    .click()
  await page.getByRole('heading', { name: view, level: 1 }).waitFor()
  await page.mouse.move(0, 0)
}

async function still(page: Page): Promise<Buffer> {
  const picture = readPng(await page.screenshot({ caret: 'hide', animations: 'disabled' }))
  return animationOf([{ picture, ms: 0 }])
}
