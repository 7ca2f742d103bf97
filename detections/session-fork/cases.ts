import { after, type DetectionCase, numbered, type Proof, without } from '../../lab/datadog/testing.ts'
import { addressFields } from '../../shared/client/address.ts'
import type { Event } from '../../shared/event.ts'

type SessionForked = Extract<Event, { evt: 'session'; outcome: 'fork' }>
type SessionSeen = Extract<Event, { evt: 'session'; outcome: 'seen' }>
type SessionChanged = Extract<Event, { evt: 'session'; outcome: 'new' | 'renewed' | 'ended' }>
type SessionDead = Extract<Event, { evt: 'session'; outcome: 'revoked' | 'expired' }>

const stolen = 'AAAAAAAAAAAAAAAAAAAAAA'
const other = 'BBBBBBBBBBBBBBBBBBBBBB'
const owners = '203.0.113.9'
const thiefs = '203.0.113.10'
const second = 1_000
const minute = 60 * second
/** Longer than logs are late on a bad day: one event is enough, and it must not come after its window. */
const window = 15 * minute

/** The device is the same in all of them: whoever copies a cookie copies the headers with it. */
const common = (ms: number) => ({
  timestamp: after(ms),
  level: 'info' as const,
  service: 'mini-ato-saas',
  env: 'prod',
  ...addressFields(owners),
  user_agent: 'Mozilla/5.0 "quoted" \\ {{x}} $ALERT_ID',
  device_hash: '0123456789abcdef0123456789abcdef',
  via: 'web' as const,
  request_id: '6f1c1a3e-8f5d-4a57-9f0e-2f1d2c3b4a59',
  usr: { id: '0b7c3b0e-52b1-4d7a-8a8f-3d6d0f2c9a11' },
  sid: stolen,
  evt: 'session' as const,
})

const forked = (ms: number, change: Partial<SessionForked> = {}): SessionForked => ({
  ...common(ms),
  level: 'warn',
  outcome: 'fork',
  ...addressFields(thiefs),
  ...change,
})

const seen = (ms: number, change: Partial<SessionSeen> = {}): SessionSeen => ({
  ...common(ms),
  outcome: 'seen',
  reason: 'accepted',
  ...change,
})

const changed = (
  ms: number,
  outcome: SessionChanged['outcome'],
  change: Partial<SessionChanged> = {},
): SessionChanged => ({
  ...common(ms),
  outcome,
  ...change,
})

const dead = (ms: number, change: Partial<SessionDead> = {}): SessionDead => ({
  ...common(ms),
  outcome: 'revoked',
  reason: 'forked',
  ...change,
})

/** A sign-in, its renewal after five minutes, and the thief with the token from before: all that is logged of a theft. */
const theft = (fromMs: number, sid: string) => [
  changed(fromMs, 'new', { sid }),
  seen(fromMs + second, { sid, ...addressFields(thiefs) }),
  changed(fromMs + 5 * minute, 'renewed', { sid }),
  seen(fromMs + 6 * minute, { sid, ...addressFields(thiefs), reason: 'refused' }),
  forked(fromMs + 6 * minute, { sid }),
  dead(fromMs + 6 * minute + second, { sid, ...addressFields(thiefs) }),
  dead(fromMs + 7 * minute, { sid }),
]

export const proof: Proof = {
  counts: (_i, afterMs, subject) => forked(afterMs, { sid: numbered.sid(subject) }),
}

export const cases: DetectionCase[] = [
  {
    name: 'a stolen token presented after its successor, from an equal device',
    events: theft(0, stolen),
    fires: [{ '@sid': stolen }],
    transitions: [
      ['Triggered', 6 * minute],
      ['Recovered', 6 * minute + window],
    ],
  },
  {
    name: 'one fork is enough, and a quarter of an hour later its alert is over',
    events: [forked(0)],
    fires: [{ '@sid': stolen }],
    transitions: [
      ['Triggered', 0],
      ['Recovered', window],
    ],
  },
  {
    name: 'two thefts at once, each an alert of its own',
    events: [...theft(0, stolen), ...theft(0, other)],
    fires: [{ '@sid': stolen }, { '@sid': other }],
  },
  {
    name: 'one line that the drain delivers twice is one alert',
    events: [forked(0), forked(0)],
    fires: [{ '@sid': stolen }],
    transitions: [
      ['Triggered', 0],
      ['Recovered', window],
    ],
  },
  {
    name: 'a line that comes again 899,999 ms later, of a drain that could not deliver, holds the alert open',
    events: [forked(0), forked(window - 1)],
    fires: [{ '@sid': stolen }],
    transitions: [
      ['Triggered', 0],
      ['Recovered', 2 * window - 1],
    ],
  },
  {
    name: 'a fork that arrives after the revocation that it caused',
    events: [dead(2 * second), forked(0)],
    fires: [{ '@sid': stolen }],
    transitions: [
      ['Triggered', 0],
      ['Recovered', window],
    ],
  },
  {
    name: 'a fork on the API, where a script renewed and another one did not',
    events: [changed(0, 'renewed', { via: 'api' }), forked(minute, { via: 'api' })],
    fires: [{ '@sid': stolen }],
  },
  {
    name: 'two tabs of one browser that renew at the same time',
    events: [
      changed(0, 'new'),
      changed(5 * minute, 'renewed'),
      changed(5 * minute + 3, 'renewed'),
      seen(5 * minute + 20),
      seen(5 * minute + 25),
    ],
    fires: false,
  },
  {
    name: 'a day of renewals by the one who holds the session',
    events: Array.from({ length: 200 }, (_, i) => [
      changed(i * 5 * minute, 'renewed'),
      seen(i * 5 * minute + second),
    ]).flat(),
    fires: false,
  },
  {
    name: 'an old token within the grace: accepted, and seen',
    events: [changed(0, 'renewed'), seen(second), seen(30 * second, addressFields(thiefs))],
    fires: false,
  },
  {
    name: 'an API client that never renews, until its token ends',
    events: [
      changed(0, 'new', { via: 'api' }),
      ...Array.from({ length: 60 }, (_, i) => seen(i * minute, { via: 'api' })),
      without(dead(65 * minute, { outcome: 'expired', via: 'api' }), 'reason'),
    ],
    fires: false,
  },
  {
    name: 'a session that another device uses is another detection, whether the device binding let it in or not',
    events: [seen(0), seen(second, { device_hash: numbered.hash(1) }), seen(2 * second, { reason: 'refused' })],
    fires: false,
  },
  {
    name: 'both holders coming back to a session that forked an hour ago',
    events: [dead(0), dead(second, addressFields(thiefs)), dead(2 * second, addressFields(thiefs))],
    fires: false,
  },
  {
    name: 'sessions that ended in every other way',
    events: [
      changed(0, 'ended'),
      dead(second, { reason: 'contained' }),
      dead(2 * second, { reason: 'ended_elsewhere' }),
      dead(3 * second, { reason: 'password_changed' }),
      without(dead(4 * second, { outcome: 'expired' }), 'reason'),
    ],
    fires: false,
  },
  { name: 'the staging environment', events: [forked(0, { env: 'staging' })], fires: false },
  { name: 'another service', events: [forked(0, { service: 'another' })], fires: false },
  {
    name: 'a fork without a session counts for nobody',
    events: [without(forked(0), 'sid')],
    fires: false,
    outsideContract: true,
  },
  {
    name: 'a fork of something that is no session',
    events: [{ ...forked(0), evt: 'sweep' }],
    fires: false,
    outsideContract: true,
  },
]
