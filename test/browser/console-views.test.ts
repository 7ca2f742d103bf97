import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AttackRun } from '../../lab/console/api.ts'
import { type FakeConsole, startFake } from '../../lab/console/testing/fake.ts'
import { attackRun, nothing, SID, snapshots } from '../../lab/console/testing/sample.ts'
import {
  actSnapshots,
  containments,
  delivery,
  found,
  RUM_SESSION,
  story,
} from '../../lab/console/testing/sample-acts.ts'
import { look } from './look.ts'
import { useBrowser } from './use-browser.ts'

/** The views in which a person searches and acts, in a real Chromium over answers of this file. */

const NOW = Date.now()

describe('the console', { timeout: 60_000 }, () => {
  const visit = useBrowser()
  let fake: FakeConsole
  beforeEach(async () => {
    fake = await startFake({ ...snapshots(NOW), ...actSnapshots(NOW) })
  })
  afterEach(async () => {
    const { received } = (await (await fetch(`${fake.url}/lab/csp`)).json()) as { received: number }
    await fake.close()
    expect(received).toBe(0)
  })

  const open = async (hash: string) => {
    const { page } = await visit(fake.url)
    await page.goto(`/${hash}`)
    await page.getByText('Live', { exact: true }).waitFor()
    return page
  }
  const sent = () => fake.asked.map(({ route, body }) => [route, body])

  describe('events', () => {
    test('are searched, counted, and opened to the whole line', async () => {
      const queries: string[] = []
      fake.answers['GET /lab/search'] = (query) => {
        queries.push(query.get('query') ?? '')
        const counts = query.has('by')
          ? [
              { value: '192.0.2.7', count: 20 },
              { value: '203.0.113.24', count: 10 },
            ]
          : []
        return { ...found(NOW), counts }
      }
      const page = await open('#/events')
      await page.getByText('30 events match').waitFor()
      await look(page, 'console/events')
      await page.getByLabel('Search', { exact: true }).fill('@evt:login')
      await page.getByLabel('Count by').fill('@ip')
      await page.keyboard.press('Enter')
      await page.getByText('2 values of @ip').waitFor()
      expect(new URL(page.url()).hash).toBe('#/events?query=%40evt%3Alogin&by=%40ip')
      const searches = queries.length
      await page.getByRole('button', { name: 'Search', exact: true }).click()
      await expect.poll(() => queries.length).toBe(searches + 1)
      await look(page, 'console/events-by')
      await page.getByRole('button', { name: '192.0.2.7', exact: true }).click()
      await page.getByRole('columnheader', { name: 'Outcome' }).waitFor()
      expect(queries.at(-1)).toBe('@evt:login @ip:192.0.2.7')

      const first = page.locator('.row-button').first()
      await first.focus()
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('Enter')
      await page.getByRole('region', { name: 'The whole line' }).getByText(`"sid": "${SID}"`).waitFor()
      await page.getByText('Paused while you read a row').waitFor()
      await look(page, 'console/events-open')
      await page.getByRole('button', { name: 'Without @outcome:success' }).click()
      await expect.poll(() => queries.at(-1)).toBe('@evt:login @ip:192.0.2.7 -@outcome:success')
      await page.goBack()
      await expect.poll(() => queries.at(-1)).toBe('@evt:login @ip:192.0.2.7')
    })

    test('follow the log, until they are paused or a row is read', async () => {
      let count = 3
      fake.answers['GET /lab/search'] = () => found(NOW, count)
      const page = await open('#/events')
      await page.getByText('3 events match').waitFor()
      await expect.poll(() => fake.readers()).toBe(1)
      const arrive = () => {
        count++
        fake.emit('logs', { total: count, per_second: 1, newest: [] })
      }
      arrive()
      await page.getByText('4 events match').waitFor()
      await page.locator('.row-button').first().press('Enter')
      arrive()
      await page.getByText('1 per second, 5 since the start').waitFor()
      expect(await page.getByText('4 events match').count()).toBe(1)
      await page.keyboard.press('Enter')
      await page.locator('h1').click()
      await page.getByText('5 events match').waitFor()
      await page.getByRole('button', { name: 'Pause' }).click()
      arrive()
      await page.getByText('1 per second, 6 since the start').waitFor()
      expect(await page.getByText('5 events match').count()).toBe(1)
      await page.getByRole('button', { name: 'Follow' }).click()
      await page.getByText('6 events match').waitFor()
    })

    test('say what a search lacks, and what to do where there is none', async () => {
      const hint = 'evt:login matched nothing; did you mean @evt:login?'
      fake.answers['GET /lab/search'] = { ...found(NOW, 0), hints: [hint], buckets: [] }
      const page = await open('#/events?query=evt:login')
      await page.getByText(hint).waitFor()
      await page.getByRole('heading', { name: 'No event matches' }).waitFor()
      await look(page, 'console/events-none')
    })
  })

  describe('attacks', () => {
    const run = (more: Partial<AttackRun> = {}) => attackRun(NOW, { run_ids: ['a-1'], ...more })

    test('are run as planned, and told line by line to their end', async () => {
      const page = await open('#/attacks')
      fake.answers['POST /lab/attacks'] = { run: run() }
      await page.getByRole('link', { name: 'Credential stuffing' }).click()
      await page.getByLabel('Seed').fill('7')
      await page.getByLabel('Pace').selectOption('1000')
      await page.getByRole('radio', { name: 'Both' }).check()
      await page.getByRole('radio', { name: 'Its benign twin' }).check()
      await page.getByRole('button', { name: 'Run the twin' }).press('Enter')
      await expect
        .poll(() => sent())
        .toEqual([
          ['POST /lab/attacks', { slug: 'credential-stuffing', target: 'both', twin: true, seed: 7, pace: 1000 }],
        ])
      await page.getByText('One runs already').waitFor()
      const lines = story(NOW)
      fake.emit('attack', run({ lines: lines.slice(0, 6) }))
      await page.getByText('2 devices > 1 for @sid').waitFor()
      expect(await page.getByText('is refused: 401').count()).toBe(0)
      fake.emit('attack', run({ lines, ended_at: NOW + 5_000, ok: true }))
      await page.getByText('is refused: 401').waitFor()
      await page.getByText('all checks hold').waitFor()
      await look(page, 'console/attacks')
      const events = await page.getByRole('link', { name: 'Its events' }).getAttribute('href')
      expect(decodeURIComponent(events ?? '')).toContain('@run_id:(a-1)')
    })

    test('rob the session of the person at the screen', async () => {
      const page = await open(`#/attacks?slug=session-reuse&sid=${SID}`)
      fake.answers['POST /lab/attacks'] = { run: run() }
      await expect.poll(() => page.getByLabel('On my own session').isChecked()).toBe(true)
      expect(await page.getByRole('radio', { name: 'Functions' }).isDisabled()).toBe(true)
      await look(page, 'console/attacks-mine')
      await page.getByRole('button', { name: 'Rob my session' }).click()
      const asked = { slug: 'session-reuse', target: 'web', twin: false, mine: { sid: SID } }
      await expect.poll(() => sent()).toEqual([['POST /lab/attacks', asked]])
    })

    test('are stopped, and what the lab refuses is shown', async () => {
      fake.answers['GET /lab/attacks'] = {
        ...(fake.answers['GET /lab/attacks'] as object),
        running: [run({ lines: story(NOW).slice(0, 5) })],
      }
      fake.answers['DELETE /lab/attacks'] = {}
      const page = await open('#/attacks')
      await page.getByRole('button', { name: 'Stop' }).click()
      await expect
        .poll(() => fake.asked.map(({ route, query }) => [route, query]))
        .toEqual([['DELETE /lab/attacks', 'run=run-1']])
      fake.emit('attack', run({ ended_at: NOW + 1, error: 'The run was stopped.' }))
      await page.getByText('ended early').waitFor()
      await look(page, 'console/attacks-stopped')
    })
  })

  describe('containments', () => {
    test('take a decision only with a reason', async () => {
      fake.answers['POST /lab/containments'] = () => {
        fake.answers['GET /lab/containments'] = {
          containments: containments(NOW).map((row) =>
            row.id === 'c1' ? { ...row, state: 'done', can: ['undo'] } : row,
          ),
        }
        return { state: 'done', message: 'Approved: the session is ended.' }
      }
      const page = await open('#/containments')
      await page.getByText('ended the session').first().waitFor()
      await look(page, 'console/containments')
      await page.getByRole('radio', { name: 'To decide (1)' }).check()
      await page.locator('.row-button').press('Enter')
      await page.getByText('More subjects than the cap allows').waitFor()
      await look(page, 'console/containments-held')
      await page.getByRole('button', { name: 'Approve' }).click()
      await page.getByLabel('Reason').fill('   ')
      await page.getByRole('button', { name: 'Approve' }).click()
      expect(sent()).toEqual([])
      await page.getByLabel('Reason').fill(' CASE-17: a theft ')
      await page.getByRole('button', { name: 'Approve' }).click()
      await expect
        .poll(() => sent())
        .toEqual([['POST /lab/containments', { id: 'c1', do: 'approve', reason: 'CASE-17: a theft' }]])
      await page.getByRole('radio', { name: 'To decide (0)' }).waitFor()
    })

    test('say what a detection that only observes would have done', async () => {
      const page = await open('#/containments')
      await page.getByRole('radio', { name: 'Only observed (2)' }).check()
      await page.getByText('would have ended the session').waitFor()
      await page.getByText('told a person about').waitFor()
      expect(await page.locator('.row').count()).toBe(2)
    })
  })

  describe('deliveries', () => {
    test('are sent again as they were, edited, twice and late', async () => {
      fake.answers['POST /lab/deliveries'] = { ids: [4], drop_next: 0 }
      const page = await open('#/deliveries')
      await page.getByText('ignored: duplicate').waitFor()
      await look(page, 'console/deliveries')
      await page.locator('.row-button').nth(1).press('Enter')
      await page.getByText('the subject is not ours').first().waitFor()
      const send = page.getByRole('button', { name: 'Send', exact: true })
      await send.click()
      await page.getByRole('radio', { name: 'Edited' }).check()
      const edited = page.getByRole('textbox', { name: 'Payload' })
      await edited.fill('{"id":')
      await page.getByText('This is no JSON').waitFor()
      await look(page, 'console/deliveries-edited')
      await send.click()
      await page.getByRole('radio', { name: 'Twice at once' }).check()
      await send.click()
      await page.getByRole('radio', { name: 'Late' }).check()
      await page.getByLabel('Seconds from now').fill('90')
      await send.click()
      const bodies = [{ id: 2 }, { id: 2, payload: '{"id":' }, { id: 2, times: 2 }, { id: 2, delay_seconds: 90 }]
      await expect.poll(() => sent()).toEqual(bodies.map((body) => ['POST /lab/deliveries', body]))
      fake.emit('delivered', delivery(NOW, { id: 9, again: true, state: 'dropped', tries: [] }))
      await page.getByText('dropped', { exact: true }).waitFor()
    })

    test('are dropped on their way, until none is any more', async () => {
      fake.answers['POST /lab/deliveries'] = (_query, body) => ({ ids: [], ...(body as object) })
      const page = await open('#/deliveries')
      await page.getByLabel('Drop the next').fill('2')
      await page.getByRole('button', { name: 'Drop', exact: true }).click()
      await page.getByText('The next 2 deliveries will be dropped.').first().waitFor()
      await page.getByRole('button', { name: 'Drop none' }).click()
      await page.getByLabel('Drop the next').waitFor()
      expect(sent()).toEqual([2, 0].map((drop_next) => ['POST /lab/deliveries', { drop_next }]))
    })
  })

  test('mail is searched and read, with its links', async () => {
    const page = await open('#/mail')
    await page.getByRole('heading', { name: 'A sign-in from a new device' }).waitFor()
    await look(page, 'console/mail')
    await page.getByLabel('Search mail').fill('confirm ada@')
    await page.getByRole('link', { name: 'Confirm your address' }).click()
    await page.getByRole('link', { name: 'http://localhost:8000/confirm#token=' }).waitFor()
    await look(page, 'console/mail-read')
  })

  test('RUM stands beside what the hosts logged of the same sign-in', async () => {
    const queries: (string | null)[] = []
    fake.answers['GET /lab/search'] = (query) => {
      queries.push(query.get('query'))
      return found(NOW, 2)
    }
    const page = await open('#/rum')
    await page.getByText('login.result: success').waitFor()
    await page.getByText('login success').waitFor()
    expect(queries.slice(0, 2)).toEqual([`@rum_session_id:"${RUM_SESSION}"`, `@sid:("${SID}")`])
    await page.getByRole('link', { name: RUM_SESSION.slice(0, 8) }).click()
    expect(await page.getByText('loaded /assets/rum.js').count()).toBe(0)
    await page.getByLabel('Loaded files (1)').check()
    await page.getByText('loaded /assets/rum.js').waitFor()
    await look(page, 'console/rum')
  })

  test('says in each view what to do while there is nothing', async () => {
    for (const [route, answer] of Object.entries({
      ...nothing(),
      'GET /lab/search': { ...found(NOW, 0), buckets: [] },
      'GET /mail.json': { mails: [] },
      'GET /lab/rum': { events: [] },
    })) {
      fake.answers[route] = answer
    }
    const page = await open('#/events')
    for (const [name, heading] of [
      ['Events', 'No events in this time'],
      ['Attacks', 'This lab runs no attacks'],
      ['Containments', 'Nothing was contained yet'],
      ['Deliveries', 'No delivery yet'],
      ['Mail', 'No mail yet'],
      ['RUM', 'No browser has reported yet'],
    ] as const) {
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.getByRole('link', { name, exact: true }).click()
      await page.getByRole('heading', { name: heading }).waitFor()
      await look(page, `console/empty-${name.toLowerCase()}`)
    }
  })
})
