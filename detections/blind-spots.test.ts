import { readdir, readFile } from 'node:fs/promises'
import { Evaluator, type EvaluatorOptions, logOfEvent, type Monitor, type Transition } from 'alertproof'
import { describe, expect, test } from 'vitest'
import { addressFields } from '../shared/client/address.ts'
import { Event } from '../shared/event.ts'
import { newRequestId, numbered, without } from './events.ts'
import { loadDetections, after as timestampAt } from './harness.ts'

/**
 * What stays open, played. Each story is an attack that no detection sees, and the runbook that admits it. Whoever closes
 * one finds its test failing here, and takes the sentence out of the runbook with it.
 */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const detections = await loadDetections(import.meta.dirname)
const monitorsOf = (...slugs: string[]): Monitor[] =>
  detections.filter(({ monitor }) => slugs.includes(monitor.slug)).map(({ monitor }) => monitor)
/** Nobody beats the heart in these stories, and its silence is not what they are about. */
const everybody = detections.filter(({ monitor }) => monitor.slug !== 'telemetry-silence').map(({ monitor }) => monitor)

/** The i-th event that counts for a detection. @param atMs since the begin of the story */
function counts(slug: string): (i: number, ms: number, change?: object, subject?: number) => object {
  const proof = detections.find(({ monitor }) => monitor.slug === slug)?.proof
  if (!proof) throw new Error(`there is no ${slug}`)
  return (i, ms, change = {}, subject = 0) => ({
    ...proof.counts(i, ms, subject),
    request_id: newRequestId(),
    ...change,
  })
}
const times = (count: number, make: (i: number) => object): object[] => Array.from({ length: count }, (_, i) => make(i))
/** `count` events in every period, for a time, as close together as possible. */
const every = (periodMs: number, count: number, forMs: number, make: (ms: number, i: number) => object): object[] =>
  times(Math.floor(forMs / periodMs) * count, (i) =>
    make(Math.floor(i / count) * periodMs + (i % count) * Math.floor(periodMs / count), i),
  )

const failure = counts('credential-stuffing')
const flagged = counts('password-spraying')
const stranger = counts('distributed-stuffing')
const guess = counts('account-brute-force')
const code = counts('mfa-guessing')
const replay = counts('otp-replay')
const knock = counts('revoked-session-use')
const forgery = counts('containment-tampering')
const use = counts('session-reuse')
const change = counts('takeover-actions')
const inside = counts('reauthentication-guessing')
const network = (n: number) => addressFields(`2001:db8:${(n >> 8).toString(16)}:${(n & 255).toString(16)}::7`)

interface BlindSpot {
  readonly detection: string
  /** How the runbook's list of blind spots begins the sentence. */
  readonly heading: string
  readonly name: string
  readonly events: readonly object[]
}

const open: BlindSpot[] = [
  {
    detection: 'credential-stuffing',
    heading: 'A slow attack',
    name: 'ten failures from one network in every five minutes, for six hours',
    events: every(5 * MINUTE, 10, 6 * HOUR, (ms, i) => failure(i, ms)),
  },
  {
    detection: 'credential-stuffing',
    heading: 'One request per network',
    name: 'a thousand networks with one account each',
    events: times(1_000, (i) => failure(i, i * 50, network(i))),
  },
  {
    detection: 'credential-stuffing',
    heading: 'A customer of many networks',
    name: 'two thousand accounts within five minutes from one /56, ten at each of its 200 networks',
    events: times(2_000, (i) => failure(i, i * 100, network(i % 200))),
  },
  {
    detection: 'credential-stuffing',
    heading: 'Between two evaluations',
    name: 'eleven failures within 299.9 s that no five minutes which are evaluated hold together',
    events: [failure(0, 500), ...times(9, (i) => failure(i + 1, (i + 1) * 30 * SECOND)), failure(10, 5 * MINUTE + 400)],
  },
  {
    detection: 'session-reuse',
    heading: 'A thief with the same browser and system family',
    name: 'a copied cookie with copied headers, used beside its owner before the next renewal',
    events: times(8, (i) => use(0, i * 30 * SECOND, addressFields(numbered.ip(i % 2)))),
  },
  {
    detection: 'session-fork',
    heading: 'A holder who never renews',
    name: 'a stolen token of a script that never renews, used from an equal device until it ends',
    events: times(65, (i) => use(0, i * MINUTE, { ...addressFields(numbered.ip(i % 2)), via: 'api' })),
  },
  {
    detection: 'password-spraying',
    heading: 'A new network for every second account',
    name: 'one password at two hundred accounts, two from each of a hundred networks',
    events: times(200, (i) => flagged(i, i * SECOND, network(i >> 1))),
  },
  {
    detection: 'password-spraying',
    heading: 'Fewer than five accounts in an hour',
    name: 'one password from one network, an account every half an hour for a day',
    events: times(48, (i) => flagged(i, i * 30 * MINUTE)),
  },
  {
    detection: 'distributed-stuffing',
    heading: 'A list of our own people',
    name: 'three hundred accounts that exist, from three hundred networks',
    events: times(300, (i) => stranger(i, i * SECOND, { ...network(i), reason: 'wrong_password' })),
  },
  {
    detection: 'distributed-stuffing',
    heading: 'Fewer than thirty-one networks in ten minutes',
    name: 'thirty networks in every ten minutes, for six hours',
    events: every(10 * MINUTE, 30, 6 * HOUR, (ms, i) => stranger(i, ms, network(i % 30))),
  },
  {
    detection: 'distributed-stuffing',
    heading: 'Pages and API together',
    name: 'thirty networks at the pages and thirty others at the API',
    events: times(60, (i) => stranger(i, i * SECOND, { ...network(i), via: i % 2 === 0 ? 'web' : 'api' })),
  },
  {
    detection: 'account-brute-force',
    heading: 'A slow attack',
    name: 'twenty guesses at one login in every quarter of an hour, for a day',
    events: every(15 * MINUTE, 20, 24 * HOUR, (ms, i) => guess(i, ms, network(i % 20))),
  },
  {
    detection: 'takeover-after-failures',
    heading: 'Four guesses',
    name: 'the fifth guess is right: the app flags a session from five failures on',
    events: [
      ...times(4, (i) => failure(i, i * SECOND)),
      without(use(0, 5 * SECOND, { outcome: 'new', reason: undefined }) as Event & { reason?: string }, 'reason'),
    ],
  },
  {
    detection: 'mfa-guessing',
    heading: 'A patient attacker',
    name: 'five codes at one account in every quarter of an hour, for six hours',
    events: every(15 * MINUTE, 5, 6 * HOUR, (ms, i) => code(i, ms)),
  },
  {
    detection: 'mfa-guessing',
    heading: 'One or two codes at each of many accounts',
    name: 'two codes at each of two hundred accounts',
    events: times(400, (i) => code(i, i * SECOND, { usr: { id: numbered.uuid(i >> 1) } })),
  },
  {
    detection: 'otp-replay',
    heading: 'An owner who tries once',
    name: 'one replayed code, and after ten minutes the next',
    events: [replay(0, 0), replay(1, 10 * MINUTE)],
  },
  {
    detection: 'revoked-session-use',
    heading: 'A thief who reads the answer',
    name: 'a contained session presented three times in every quarter of an hour, for six hours',
    events: every(15 * MINUTE, 3, 6 * HOUR, (ms, i) => knock(i, ms)),
  },
  {
    detection: 'revoked-session-use',
    heading: 'A new network for each try',
    name: 'a contained session presented from two hundred networks',
    events: times(200, (i) => knock(i, i * SECOND, network(i))),
  },
  {
    detection: 'containment-tampering',
    heading: 'Two per network in 15 minutes',
    name: 'two forgeries from each of a hundred networks',
    events: times(200, (i) => forgery(i, i * SECOND, network(i >> 1))),
  },
  {
    detection: 'takeover-actions',
    heading: 'A thief who waits',
    name: 'the second factor turned off by a device that has been known for sixteen minutes',
    events: [without(change(0, 16 * MINUTE, { outcome: 'disabled' }) as Event & { risk?: string[] }, 'risk')],
  },
  {
    detection: 'takeover-actions',
    heading: 'A change without a session',
    name: 'a change that names no session is in no group',
    events: [without(change(0, 0) as Event & { sid?: string }, 'sid')],
  },
  {
    detection: 'reauthentication-guessing',
    heading: 'Three guesses an hour',
    name: 'three wrong passwords in every hour of a session’s longest life',
    events: every(HOUR, 3, 24 * HOUR, (ms, i) => inside(i, ms)),
  },
  {
    detection: 'reauthentication-guessing',
    heading: 'Several stolen sessions of one account',
    name: 'three wrong passwords in each of six sessions of one account',
    events: times(18, (i) => inside(i, i * SECOND, { sid: numbered.sid(i % 6) })),
  },
  {
    detection: 'reauthentication-guessing',
    heading: 'Wrong codes for a new authenticator',
    name: 'fifty wrong codes where a session sets up an authenticator of its own',
    events: times(50, (i) => code(i, i * SECOND, { sid: numbered.sid(1) })),
  },
]

const folder = new URL('../runbooks/', import.meta.url)
const runbooks = await readdir(folder)
/** How each sentence of a runbook's blind spots begins. */
async function headingsOf(slug: string): Promise<string[]> {
  const file = runbooks.find((name) => name.endsWith(`-${slug}.md`)) ?? ''
  const [, spots = ''] = /^## Blind spots\n([\s\S]*?)^## /m.exec(await readFile(new URL(file, folder), 'utf8')) ?? []
  return [...spots.matchAll(/^- \*\*(.+?)\*\*/gm)].map(([, heading = '']) => heading.replace(/[.:]$/, ''))
}

/** What Datadog would tell: it evaluates once a minute. */
function transitionsOf(
  monitors: readonly Monitor[],
  events: readonly object[],
  options: EvaluatorOptions = {},
): Transition[] {
  const evaluator = new Evaluator(monitors, { cadenceSeconds: 60, ...options })
  const transitions = events.flatMap((event) => evaluator.push(logOfEvent({ ...event })))
  for (let due = evaluator.nextDue(); due !== undefined; due = evaluator.nextDue())
    transitions.push(...evaluator.advance(due))
  return transitions
}
const alertsIn = (transitions: readonly Transition[]) =>
  transitions.filter(({ transition }) => transition === 'Triggered').map(({ monitor }) => monitor.slug)

describe.each(open)('$detection: $heading', ({ detection, heading, name, events }) => {
  test('its runbook says so', async () => {
    expect(await headingsOf(detection)).toContain(heading)
  })

  test('its events are events of the app', () => {
    for (const event of events) expect(Event.safeParse(event).error?.issues ?? []).toEqual([])
  })

  test(`open: ${name}`, () => {
    expect(events.length).toBeGreaterThan(0)
    expect(alertsIn(transitionsOf(everybody, events))).toEqual([])
  })
})

describe('what the evaluation leaves open', () => {
  test('open: of twelve hundred networks that attack at once, a thousand are reported', async () => {
    const events = times(1_200 * 11, (i) => failure(i, Math.floor(i / 1_200) * SECOND, network(i % 1_200)))
    const stuffing = monitorsOf('credential-stuffing')
    expect(alertsIn(transitionsOf(stuffing, events, { groupLimits: true, samples: false }))).toHaveLength(1_000)
    expect(await headingsOf('credential-stuffing')).toContain('More than a thousand networks at once')
  })

  test('open: an alert that is open for more than thirty hours has no more reminders, so its block ends', async () => {
    const events = times(36 * 60, (i) => knock(i, i * MINUTE))
    const transitions = transitionsOf(monitorsOf('revoked-session-use'), events)
    const words = transitions.map(({ transition }) => transition)
    expect(new Set(words.slice(1, -1))).toEqual(new Set(['Re-Triggered']))
    expect(words.at(-1)).toBe('Recovered')
    const [first, last] = [transitions[0]?.at ?? 0, transitions.at(-2)?.at ?? 0]
    expect(last - first).toBeLessThanOrEqual(30 * HOUR)
    expect(last - first).toBeGreaterThan(29 * HOUR)
    expect(await headingsOf('revoked-session-use')).toContain('An alert that lasts longer than thirty hours')
  })

  test.each(['session-fork', 'takeover-actions', 'takeover-after-failures', 'impossible-travel', 'canary-account'])(
    'open: the one event that %s asks for is lost when its log comes later than the window',
    (slug) => {
      const late = counts(slug)(0, 0)
      const now = { ...counts(slug)(1, 16 * MINUTE), env: 'staging' }
      expect(alertsIn(transitionsOf(monitorsOf(slug), [now, late]))).toEqual([])
      // A minute late is what the evaluator allows, and what the window of a quarter of an hour has room for.
      expect(alertsIn(transitionsOf(monitorsOf(slug), [{ ...now, timestamp: timestampAt(MINUTE) }, late]))).toEqual([
        slug,
      ])
    },
  )

  test('open: a heartbeat that goes on hides that everything else is cut off', async () => {
    const beats = times(120, (i) => counts('telemetry-silence')(i, i * MINUTE))
    const transitions = transitionsOf(monitorsOf('telemetry-silence'), beats).filter(
      ({ at }) => at <= Date.parse(timestampAt(119 * MINUTE)),
    )
    expect(transitions).toEqual([])
    expect(await headingsOf('telemetry-silence')).toContain('A cut that spares the heartbeat')
  })
})
