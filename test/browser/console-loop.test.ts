import { describe, expect, test } from 'vitest'
import type { Trace } from '../../lab/console/api.ts'
import { look } from './look.ts'
import { newPerson, register, signIn } from './person.ts'
import { useStage } from './stage.ts'

/** What a newcomer does first: sees the own session stolen, seen and ended, without a reload and without a file. */

const stage = useStage({}, { console: true })

describe('the console over a lab', { timeout: 120_000 }, () => {
  const get = async <T>(path: string): Promise<T> => {
    const answer = await fetch(stage.lab.urls.datadog + path)
    expect([path, answer.status]).toEqual([path, 200])
    return (await answer.json()) as T
  }

  test('a person robs the own session from the console, and watches it be seen, contained and grey', async () => {
    const victim = await stage.visitor({})
    const ada = newPerson('ada')
    await register(victim, ada)
    await signIn(victim, ada)

    const { page } = await stage.visitor({})
    await page.goto(stage.lab.urls.datadog)
    await page.getByText('You are signed in: steal your own session').waitFor()
    await page.getByRole('link', { name: 'Sessions' }).click()
    const card = page.getByRole('article', { name: ada.email }).first()
    await card.getByText('Alive').waitFor()
    expect(await card.getByRole('listitem').count()).toBe(1)
    await card.getByRole('button', { name: 'Rob this one' }).click()

    // Both holders, then grey, on the page that was open all the time.
    await card.getByText('Second holder').waitFor({ timeout: 30_000 })
    await card.getByText('by the containment').waitFor({ timeout: 30_000 })
    expect(await page.evaluate<string>(`getComputedStyle(document.querySelector('.session.shared')).filter`)).toBe(
      'grayscale(1)',
    )
    await look(page, 'console/real-sessions')
    // The page of the victim says so by itself.
    await victim.page.getByText('What happened, and sign in again').waitFor({ timeout: 30_000 })

    await card.getByRole('link', { name: 'See its loop' }).click()
    await page.getByRole('heading', { level: 1, name: 'Loop' }).waitFor()
    for (const step of ['Counted events', 'Value', 'Alert', 'Webhook', 'Containment', 'First refusal'])
      await page.getByRole('button', { name: new RegExp(`^${step}`) }).waitFor({ timeout: 30_000 })
    await look(page, 'console/real-loop')

    const { traces } = await get<{ traces: Trace[] }>('/lab/traces')
    const [trace] = traces.filter(({ detection }) => detection === 'session-reuse')
    expect(trace?.closed).toBe(true)
    const names = trace?.steps.map(({ name }) => name) ?? []
    expect(names.indexOf('transition')).toBeLessThan(names.indexOf('containment'))
    expect(names.indexOf('containment')).toBeLessThan(names.indexOf('refused'))
  })

  test('a step opens the very bytes and the file that decided it, and a monitor says why', async () => {
    const { page } = await stage.visitor({})
    await page.goto(`${stage.lab.urls.datadog}/#/loop`)
    await page.getByRole('button', { name: /^Webhook/ }).click()
    await page.getByRole('button', { name: /^detections\/(siem-)?webhook\.json$/ }).click()
    await page.getByRole('dialog').getByText('"payload"').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })

    await page.getByRole('link', { name: 'Monitors' }).first().click()
    await page
      .getByRole('link', { name: /^session-reuse/ })
      .first()
      .click()
    await page.locator('.chart canvas').waitFor()
    await look(page, 'console/real-monitors')
    await page
      .getByRole('button', { name: /^Why\? @sid:/ })
      .first()
      .click()
    await page.getByRole('dialog').getByText('@device_hash').first().waitFor()
    const { received } = await get<{ received: number }>('/lab/csp')
    expect(received).toBe(0)
  })
})
