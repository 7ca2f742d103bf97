import type { Page } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FakeConsole, startFake } from '../../lab/console/testing/fake.ts'
import {
  attackRun,
  monitors,
  nothing,
  SID,
  sessions,
  snapshots,
  stolenSession,
  stuffing,
} from '../../lab/console/testing/sample.ts'
import { look } from './look.ts'
import { useBrowser } from './use-browser.ts'

/** The shell of the console, the loop, the monitors and the sessions, in a real Chromium over data of the test's own. */

const EXPLAINED = 'session-reuse counts 1 value of @device_hash, and alerts above 1.'
const open = useBrowser()

describe('the console in a browser', { timeout: 60_000 }, () => {
  let fake: FakeConsole
  const now = Date.now()
  beforeEach(async () => {
    fake = await startFake({
      ...snapshots(now),
      'GET /lab/files': (query) => `content of ${query.get('path')}`,
      'GET /lab/explain': { text: EXPLAINED },
      'POST /lab/attacks': () => ({ run: attackRun(now) }),
    })
  })
  afterEach(async () => {
    const { received } = (await (await fetch(`${fake.url}/lab/csp`)).json()) as { received: number }
    await fake.close()
    expect(received).toBe(0)
  })

  const visit = async (hash: string): Promise<Page> => {
    const { page } = await open(fake.url)
    await page.goto(`${fake.url}/${hash}`)
    await page.getByText('Live', { exact: true }).waitFor()
    return page
  }
  const lane = (page: Page, name: string) => page.getByRole('button', { name: new RegExp(`^${name}`) })

  test('with nothing to show, one sentence says what to do next, and its button does it', async () => {
    Object.assign(fake.answers, nothing())
    const page = await visit('')
    await page.getByText('Nothing has been attacked yet').waitFor()
    await look(page, 'console/first')
    await page.getByRole('button', { name: 'Steal an invented person’s session' }).click()
    await page.getByText('Running session-reuse').waitFor()
    expect(fake.asked).toEqual([
      { route: 'POST /lab/attacks', query: '', body: { slug: 'session-reuse', target: 'web' } },
    ])
    expect(await page.getByRole('button', { name: 'Steal an invented person’s session' }).isDisabled()).toBe(true)
    fake.emit('trace', stolenSession(Date.now()))
    await page.getByRole('heading', { name: 'A session is used by more than one device' }).waitFor()
  })

  test('a refused attack says why', async () => {
    delete fake.answers['POST /lab/attacks']
    const { page, faults } = await open(fake.url)
    await page.goto(`${fake.url}/#/loop`)
    await page.getByRole('button', { name: 'Steal my session' }).click()
    await page.getByText('the fake has no POST /lab/attacks').waitFor()
    expect(faults.splice(0)).toEqual([`404 for ${fake.url}/lab/attacks`])
  })

  test('an attack that could not be carried out says why, once', async () => {
    const page = await visit('#/sessions')
    const failed = attackRun(now, { ended_at: now, ok: false, error: 'nobody on this machine is signed in' })
    fake.emit('attack', failed)
    fake.emit('attack', failed)
    await page.getByText('session-reuse: nobody on this machine is signed in').waitFor()
    expect(await page.locator('.notice-box').count()).toBe(1)
  })

  test.each([
    ['observed', 'Only observed', 'only observed'],
    ['waiting', 'Waiting for a decision', 'not decided'],
    ['failed', 'Containment failed', 'failed'],
  ] as const)('a containment that is %s is not called one', async (effect, badge, time) => {
    const trace = stuffing(now)
    const steps = trace.steps.map((step) => (step.name === 'containment' ? { ...step, effect } : step))
    fake.answers['GET /lab/traces'] = { traces: [{ ...trace, steps }] }
    const page = await visit('#/loop')
    await page.locator('.trace .badge').getByText(badge).waitFor()
    await page.locator('.times').getByText(time, { exact: true }).waitFor()
    expect(await page.locator('.side-list').innerText()).not.toContain('Contained')
  })

  test('a cycle grows step by step on one axis, and each step opens its bytes and the file that decided it', async () => {
    const page = await visit('#/loop?trace=credential-stuffing:12')
    await page.getByText('10 events, the last').waitFor()
    expect(await page.getByText('not yet').count()).toBe(3) // the signed call and the refusal, and the time of the latter
    fake.emit('trace', {
      ...stuffing(now - 300_000),
      steps: [
        ...stuffing(now - 300_000).steps,
        { name: 'refused', at: now - 258_000, title: 'login fail (blocked)', raw: [], files: [] },
      ],
      closed: true,
    })
    await page.getByText('login fail (blocked)').waitFor()
    await page.getByRole('link', { name: /session-reuse/ }).click()
    await page.getByRole('heading', { name: 'A session is used by more than one device' }).waitFor()
    await lane(page, 'Signed call').click()
    await page.getByText('x-ato-signature').waitFor()
    await lane(page, 'Containment').focus()
    await page.keyboard.press('Enter')
    expect(await lane(page, 'Containment').getAttribute('aria-expanded')).toBe('true')
    await look(page, 'console/loop')
    await page.getByRole('button', { name: 'functions/contain/policy.ts' }).click()
    await page.getByText('content of functions/contain/policy.ts').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
  })

  test('monitors show values on their way to the line, and say why a group does not alert', async () => {
    const page = await visit('#/monitors?detection=credential-stuffing')
    await page.getByRole('img', { name: /The highest now is 9, of @network:192\.0\.2\.0\/24/ }).waitFor()
    expect(await page.locator('.chart canvas').count()).toBe(1)
    await look(page, 'console/monitors')
    await page.getByRole('button', { name: 'Why not? @network:198.51.100.0/24' }).click()
    await page.getByText(EXPLAINED).waitFor()
    await look(page, 'console/monitors-explained')
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await page.getByLabel('Filter the monitors').fill('fork')
    await page.getByText('1 detection', { exact: true }).waitFor()
    await page.getByRole('link', { name: /session-fork/ }).click()
    await page.getByText('No event in its window matches the query').waitFor()
  })

  test('a value that climbs is drawn and counted without a reload', async () => {
    const page = await visit('#/monitors?detection=credential-stuffing')
    const row = page.getByRole('row', { name: /192\.0\.2\.0/ })
    await row.getByText('Warn').waitFor()
    const climbed = monitors(Date.now()).map((each) => ({
      ...each,
      groups: each.groups.map((group) => ({
        ...group,
        state: 'Alert' as const,
        points: [...group.points, [Date.now(), 11] as const],
      })),
    }))
    fake.emit('values', { monitors: climbed })
    await row.getByText('Alert').waitFor()
    await row.getByText('11').waitFor()
  })

  test('both holders of a stolen session stand side by side, it can be robbed, and it turns grey when it ends', async () => {
    const page = await visit('#/sessions')
    const card = page.getByRole('article', { name: 'ada@example.com' })
    await card.getByText('Safari on iPhone').waitFor()
    expect(await card.getByRole('listitem').count()).toBe(2)
    await look(page, 'console/sessions')
    await card.getByRole('button', { name: 'Rob this one' }).click()
    await page.getByText('Running session-reuse').waitFor()
    expect(fake.asked.at(-1)?.body).toEqual({ slug: 'session-reuse', target: 'web', mine: { sid: SID } })
    const [ended] = sessions(Date.now(), true)
    if (ended) fake.emit('session', ended)
    await card.getByText('Ended').waitFor()
    expect(await page.evaluate<string>(`getComputedStyle(document.querySelector('.session.shared')).filter`)).toBe(
      'grayscale(1)',
    )
    expect(await card.getByRole('button', { name: 'Rob this one' }).count()).toBe(0)
    await look(page, 'console/sessions-ended')
  })

  test('every view is reached by keyboard, also from the list of a narrow screen', async () => {
    const page = await visit('')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('main')
    await page.setViewportSize({ width: 360, height: 740 })
    const menu = page.getByRole('button', { name: 'Loop' })
    await menu.focus()
    await page.keyboard.press('Enter')
    await look(page, 'console/menu')
    await page.setViewportSize({ width: 360, height: 740 })
    const link = page.getByRole('link', { name: 'Sessions' })
    await link.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Sessions' }).waitFor()
    await expect.poll(() => page.title()).toBe('Sessions · Console of the lab')
    await page.getByRole('link', { name: 'Sessions' }).waitFor({ state: 'hidden' })
  })

  test('after a lost connection the page says so, and reads everything again', async () => {
    const page = await visit('#/sessions')
    await page.getByText('ada@example.com').waitFor()
    Object.assign(fake.answers, { 'GET /lab/sessions': { sessions: [] } })
    fake.drop()
    await page.getByText('Not connected').waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
    await page.getByText('Nobody is signed in').waitFor()
    await look(page, 'console/no-sessions')
  })
})
