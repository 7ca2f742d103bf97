import { readImportable } from 'alertproof'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DeliveryView } from './api.ts'
import { type StandIn, startStandIn } from './testing/stand-in.ts'

const MONITOR = readImportable(
  JSON.stringify({
    ...{ name: 'Stuffing', type: 'log alert', message: '{{#is_alert}}@webhook-ato-contain{{/is_alert}}', tags: [] },
    query: 'logs("env:prod @evt:login @outcome:fail").index("*").rollup("count").by("@ip").last("5m") > 0',
    options: { thresholds: { critical: 0 }, new_group_delay: 0, on_missing_data: 'resolve' },
  }),
  'detections/stuffing/monitor.json',
)

let lab: StandIn
beforeEach(async () => {
  lab = await startStandIn({ monitors: [MONITOR] }, { answers: [503, 200] })
})
afterEach(() => lab.close())

const list = () => lab.get<{ deliveries: DeliveryView[]; drop_next: number }>('/lab/deliveries')
const failure = (ip: string) => ({ timestamp: new Date().toISOString(), evt: 'login', outcome: 'fail', ip })
const over = (fits: (each: DeliveryView) => boolean = () => true) =>
  lab.read<DeliveryView>('delivered', (each) => each.state !== 'pending' && fits(each))

/** Raises an alert, and waits for its delivery. */
async function alert(ip: string): Promise<DeliveryView> {
  const { found } = await over(({ payload }) => payload.includes(ip))
  await lab.submit(failure(ip))
  return found
}

test('a delivery has its payload, its tries and the trace that it belongs to', async () => {
  const delivery = await alert('203.0.113.1')
  expect(delivery).toMatchObject({
    ...{ detection: 'stuffing', by: 'monitor', webhook: 'ato-contain', again: false, state: 'delivered' },
    trace: expect.stringMatching(/^stuffing [0-9a-f]{32}$/),
    tries: [{ status: 503 }, { status: 200, answer: 'answer 200' }],
  })
  expect(JSON.parse(delivery.payload)).toMatchObject({ transition: 'Triggered', scope: '@ip:203.0.113.1' })
  expect((await list()).deliveries).toEqual([delivery])
})

test('it is sent again as it was, edited, several times, and is no delivery of the alert', async () => {
  const { id, payload } = await alert('203.0.113.1')
  const before = lab.receiver.requests.length
  expect(await lab.send('POST', '/lab/deliveries', { id })).toMatchObject({
    status: 202,
    body: { ids: [expect.any(Number)] },
  })
  const edited = await lab.send('POST', '/lab/deliveries', { id, payload: '{"edited":true}', times: 3 })
  expect((edited.body as { ids: number[] }).ids).toHaveLength(3)
  await lab.receiver.received(before + 4)
  const bodies = lab.receiver.requests.slice(before).map(({ body }) => body)
  expect(bodies.filter((body) => body === payload)).toHaveLength(1)
  expect(bodies.filter((body) => body === '{"edited":true}')).toHaveLength(3)
  const again = (await list()).deliveries.filter((each) => each.again)
  expect(again.map((each) => each.trace)).toEqual(Array(4).fill(again[0]?.trace))
  const { alerts } = await lab.get<{ alerts: { deliveries: unknown[] }[] }>('/lab/alerts')
  expect(alerts.every(({ deliveries }) => deliveries.length === 1)).toBe(true)
})

test('it is sent late', async () => {
  const { id } = await alert('203.0.113.1')
  const before = lab.receiver.requests.length
  const { found } = await over(({ again }) => again)
  expect(await lab.send('POST', '/lab/deliveries', { id, delay_seconds: 0.3 })).toMatchObject({
    status: 202,
    body: { ids: [] },
  })
  expect(lab.receiver.requests).toHaveLength(before)
  expect(await found).toMatchObject({ again: true, state: 'delivered' })
})

test('the next one is lost on request, and is sent again after all', async () => {
  await alert('203.0.113.1')
  expect(await lab.send('POST', '/lab/deliveries', { drop_next: 1 })).toMatchObject({
    status: 202,
    body: { drop_next: 1 },
  })
  const before = lab.receiver.requests.length
  await lab.submit(failure('203.0.113.2'))
  const { deliveries, drop_next } = await list()
  expect(deliveries[0]).toMatchObject({ state: 'dropped', tries: [] })
  expect([drop_next, lab.receiver.requests.length]).toEqual([0, before])
  await lab.send('POST', '/lab/deliveries', { id: deliveries[0]?.id })
  await lab.receiver.received(before + 1)
})

test.each([
  [{ id: 999 }, 404],
  [{ id: 1, times: 11 }, 400],
  [{ id: 1, delay_seconds: 601 }, 400],
  [{ id: 1, payload: 'x'.repeat(70_000) }, 400],
  [{ id: 1, payload: 'x'.repeat(200_000) }, 413],
  [{ drop_next: -1 }, 400],
  [{ drop_next: 101 }, 400],
  [{ id: 1, drop_next: 1 }, 400],
  [{}, 400],
])('what cannot be done is refused (%#)', async (asked, status) => {
  expect((await lab.send('POST', '/lab/deliveries', asked)).status).toBe(status)
})

test('a change needs JSON', async () => {
  const response = await fetch(`${lab.datadog.url}/lab/deliveries`, { method: 'POST', body: '{"drop_next":1}' })
  expect(response.status).toBe(415)
  expect((await list()).drop_next).toBe(0)
})
