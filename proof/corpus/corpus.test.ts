import { isIPv6 } from 'node:net'
import { expect, test } from 'vitest'
import { loadDetections } from '../../detections/harness.ts'
import { Event } from '../../shared/event.ts'
import { corpusBegins, ordinaryLife } from './corpus.ts'
import { Delivery } from './delivery.ts'
import { type Judgement, judge } from './judge.ts'
import { plant } from './plant.ts'
import { withProfile } from './profile.ts'
import { DAY, MINUTE } from './schedule.ts'

const detections = await loadDetections('detections')
const monitors = detections.map(({ monitor }) => monitor)
const sample = await all(ordinaryLife({ events: 60_000, seed: 1 }))
async function all(events: AsyncIterable<Event>): Promise<Event[]> {
  const found: Event[] = []
  for await (const event of events) found.push(event)
  return found
}
const count = (holds: (event: Event) => boolean) => sample.filter(holds).length

test('its events are events of the app, in order of time', () => {
  let last = ''
  for (const [i, event] of sample.entries()) {
    expect(event.timestamp >= last).toBe(true)
    last = event.timestamp
    if (i % 23 === 0) expect(Event.safeParse(event).error?.issues ?? [], JSON.stringify(event)).toEqual([])
  }
  // One event of each kind, so that rare kinds are checked too.
  const kinds = new Map(
    sample.map((event) => [`${event.evt} ${event.outcome} ${'reason' in event ? event.reason : ''}`, event]),
  )
  for (const event of kinds.values()) expect(Event.safeParse(event).success, JSON.stringify(event)).toBe(true)
})

test('the same seed is the same life, another is another', async () => {
  const first = await all(ordinaryLife({ events: 5_000, seed: 3 }))
  expect(await all(ordinaryLife({ events: 5_000, seed: 3 }))).toEqual(first)
  expect(await all(ordinaryLife({ events: 5_000, seed: 4 }))).not.toEqual(first)
})

test.each<[string, number, (event: Event) => boolean]>([
  [
    'wrong passwords',
    200,
    (event) => event.evt === 'login' && event.outcome === 'fail' && event.reason === 'wrong_password',
  ],
  [
    'addresses that nobody has',
    10,
    (event) => event.evt === 'login' && event.outcome === 'fail' && event.reason === 'unknown_user',
  ],
  ['wrong codes', 20, (event) => event.evt === 'mfa' && event.outcome === 'fail' && event.reason === 'wrong_code'],
  [
    'codes used a second time',
    1,
    (event) => event.evt === 'mfa' && event.outcome === 'fail' && event.reason === 'replayed_code',
  ],
  [
    'wrong passwords inside sessions',
    30,
    (event) => event.evt === 'credential' && event.outcome === 'fail' && event.reason === 'wrong_password',
  ],
  [
    'contained sessions whose owners come back',
    1,
    (event) => event.evt === 'session' && event.outcome === 'revoked' && event.reason === 'contained',
  ],
  ['new devices', 3, (event) => 'risk' in event && event.risk?.includes('new_device') === true],
  ['sign-ups', 60, (event) => event.evt === 'register' && event.outcome === 'success'],
  ['new passwords', 3, (event) => event.evt === 'credential' && event.outcome === 'success'],
  ['second factors that are enabled', 5, (event) => event.evt === 'mfa' && event.outcome === 'enabled'],
  ['sessions that ran out', 500, (event) => event.evt === 'session' && event.outcome === 'expired'],
  ['renewed sessions', 500, (event) => event.evt === 'session' && event.outcome === 'renewed'],
  [
    'offices, with forty sign-ins',
    40,
    (event) => event.evt === 'login' && event.outcome === 'success' && event.ip.startsWith('198.51.'),
  ],
  ['IPv6 addresses', 500, (event) => 'ip' in event && isIPv6(event.ip)],
  ['programs', 100, (event) => 'via' in event && event.via === 'api'],
  ['scanners', 50, (event) => event.outcome === 'refused'],
  ['heartbeats', 5_000, (event) => event.evt === 'sweep'],
])('there are %s', (_, least, holds) => {
  expect(count(holds)).toBeGreaterThanOrEqual(least)
})

test('one session roams between many addresses, on one device', () => {
  const sessions = new Map<string, { addresses: Set<string>; devices: Set<string> }>()
  for (const event of sample) {
    if (event.evt !== 'session' || event.outcome !== 'seen') continue
    const session = sessions.get(event.sid) ?? { addresses: new Set(), devices: new Set() }
    sessions.set(event.sid, session)
    session.addresses.add(event.ip)
    session.devices.add(event.device_hash)
  }
  expect(Math.max(...[...sessions.values()].map(({ addresses }) => addresses.size))).toBeGreaterThan(4)
  expect(Math.max(...[...sessions.values()].map(({ devices }) => devices.size))).toBe(1)
})

test('it arrives out of order, within the lateness, and now and then twice', () => {
  const delivery = new Delivery<{ event: Event }>(3)
  const arrived = [...sample.flatMap((event) => delivery.send({ event })), ...delivery.rest()]
  let [newest, latest, late] = [0, 0, 0]
  for (const { event } of arrived) {
    const at = Date.parse(event.timestamp)
    if (at < newest) late++
    latest = Math.max(latest, newest - at)
    newest = Math.max(newest, at)
  }
  expect(late).toBeGreaterThan(1_000)
  expect(latest).toBeLessThan(MINUTE)
  expect(arrived.length).toBeGreaterThan(sample.length)
})

const lives = (
  [
    ['prod', 200_000, 1, 220],
    ['prod', 50_000, 2, 220],
    // The thresholds of the files are meant for a lab. docs/proving-detections.md says which towns they allow.
    ['demo', 50_000, 3, 25],
  ] as const
).map(([profile, events, seed, office]) => ({ profile, events, seed, office }))
type Life = (typeof lives)[number]

const judgements = new Map<Life, Promise<Judgement>>()
/** Each life is evaluated once, for all detections together. */
function judgementOf(life: Life): Promise<Judgement> {
  const { profile, events, seed, office } = life
  const judgement =
    judgements.get(life) ??
    withProfile(monitors, profile).then((judges) => judge(judges, ordinaryLife({ events, seed, office }), { seed }))
  judgements.set(life, judgement)
  return judgement
}

test.each(lives.flatMap((life) => monitors.map(({ slug }) => ({ slug, ...life, life }))))(
  '$slug ($profile) is silent in $events events of ordinary life, seed $seed, with $office in the largest office',
  async ({ slug, life }) => {
    const judgement = await judgementOf(life)
    expect(judgement.events).toBeGreaterThanOrEqual(life.events)
    const judged = judgement.detections.find(({ monitor }) => monitor.slug === slug)
    expect(judged?.alarms).toEqual({ arrival: [], cadence: [] })
    // Counted without the evaluator.
    const { operator, threshold } = judged?.monitor.parsed ?? {}
    if (operator === '>') expect(judged?.nearest.value).toBeLessThanOrEqual(threshold ?? 0)
  },
  180_000,
)

test('one attack of each kind, put into that life, yields exactly its own alert', async () => {
  const begin = corpusBegins + 1.5 * DAY
  const { planted, life } = plant(detections, ordinaryLife({ events: 60_000, seed: 3, office: 25 }), begin)
  const judgement = await judge(monitors, life, { seed: 3 })
  for (const mode of ['arrival', 'cadence'] as const) {
    const found = judgement.detections.flatMap(({ alarms }) =>
      alarms[mode].map(({ detection, group }) => ({ detection, group })),
    )
    expect(found, mode).toEqual(planted)
  }
  expect(planted.length).toBe(detections.length)
}, 120_000)
