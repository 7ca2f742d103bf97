import {
  after,
  alertLasting,
  type DetectionCase,
  newRequestId,
  numbered,
  type Proof,
  without,
} from '../../lab/datadog/testing.ts'
import { addressFields } from '../../shared/client/address.ts'
import type { Event } from '../../shared/event.ts'

type SessionDead = Extract<Event, { evt: 'session'; outcome: 'revoked' | 'expired' }>
type SessionSeen = Extract<Event, { evt: 'session'; outcome: 'seen' }>

const thief = '203.0.113.9'
const owner = '198.51.100.7'
const second = 1_000
const minute = 60 * second

const common = (ms: number, ip: string) => ({
  timestamp: after(ms),
  level: 'info' as const,
  service: 'mini-ato-saas',
  env: 'prod',
  ...addressFields(ip),
  user_agent: 'Mozilla/5.0 "quoted" \\ {{x}} $ALERT_ID',
  device_hash: '0123456789abcdef0123456789abcdef',
  via: 'web' as const,
  request_id: newRequestId(),
  usr: { id: '0b7c3b0e-52b1-4d7a-8a8f-3d6d0f2c9a11' },
  sid: 'AAAAAAAAAAAAAAAAAAAAAA',
  evt: 'session' as const,
})

const revoked = (ms: number, change: Partial<SessionDead> = {}): SessionDead => ({
  ...common(ms, thief),
  outcome: 'revoked',
  reason: 'contained',
  ...change,
})

const seen = (ms: number, change: Partial<SessionSeen> = {}): SessionSeen => ({
  ...common(ms, thief),
  outcome: 'seen',
  reason: 'accepted',
  ...change,
})

/** So many presentations, so many milliseconds apart. */
const knocks = (count: number, everyMs: number, change: Partial<SessionDead> = {}, fromMs = 0) =>
  Array.from({ length: count }, (_, i) => revoked(fromMs + i * everyMs, change))

export const proof: Proof = {
  counts: (i, afterMs, subject) =>
    revoked(afterMs, { request_id: numbered.uuid(i), ...addressFields(numbered.ip(subject)) }),
}

export const cases: DetectionCase[] = [
  {
    name: 'a script that presents a contained session every five seconds is found at the fourth time',
    events: knocks(40, 5 * second),
    fires: [{ '@network': thief }],
    transitions: alertLasting(15 * second, 36 * 5 * second + 15 * minute),
  },
  {
    name: 'the fourth presentation 899,999 ms after the first',
    events: [...knocks(3, 1), revoked(15 * minute - 1)],
    fires: [{ '@network': thief }],
    transitions: [
      ['Triggered', 15 * minute - 1],
      ['Recovered', 15 * minute],
    ],
  },
  {
    name: 'the fourth presentation a full 15 minutes after the first',
    events: [...knocks(3, 1), revoked(15 * minute)],
    fires: false,
  },
  {
    name: 'four stolen sessions, each presented once from one address: one thief with four victims',
    events: Array.from({ length: 4 }, (_, i) =>
      revoked(i * minute, { sid: numbered.sid(i), usr: { id: numbered.uuid(i) } }),
    ),
    fires: [{ '@network': thief }],
  },
  {
    name: 'a thief who changes browsers as he goes stays one address',
    events: Array.from({ length: 4 }, (_, i) => revoked(i * minute, { device_hash: numbered.hash(i) })),
    fires: [{ '@network': thief }],
  },
  {
    name: 'two on web and two on the API are four',
    events: [...knocks(2, second), ...knocks(2, second, { via: 'api' }, 10 * second)],
    fires: [{ '@network': thief }],
  },
  {
    name: 'a thief who rests for an hour and goes on is a second alert',
    events: [...knocks(4, second), ...knocks(4, second, {}, 60 * minute)],
    fires: [{ '@network': thief }, { '@network': thief }],
    transitions: [...alertLasting(3 * second, 15 * minute), ...alertLasting(60 * minute + 3 * second, 75 * minute)],
  },
  {
    name: 'two addresses at once, each an alert of its own',
    events: [...knocks(4, second), ...knocks(4, second, addressFields('2001:db8::7'), 500)],
    fires: [{ '@network': thief }, { '@network': '2001:db8:0:0::/64' }],
  },
  {
    name: 'two looks at a contained session whose lines the drain delivered twice',
    events: knocks(2, second, addressFields(owner)).flatMap((event) => [event, event]),
    fires: false,
  },
  {
    name: 'a thief who takes another address of the same IPv6 network for each try',
    events: [1, 2, 3, 4].map((host) => revoked(host * second, addressFields(`2001:db8:0:0:${host}::7`))),
    fires: [{ '@network': '2001:db8:0:0::/64' }],
  },
  {
    name: 'the owner who opens the laptop: the page, its reload, and once more after lunch',
    events: [
      revoked(0, addressFields(owner)),
      revoked(2 * second, addressFields(owner)),
      revoked(14 * minute, addressFields(owner)),
    ],
    fires: false,
  },
  {
    name: 'thief and owner twice each, from two addresses',
    events: [...knocks(2, second), ...knocks(2, second, addressFields(owner), 500)],
    fires: false,
  },
  {
    name: 'a thief who takes a new address for each try',
    events: Array.from({ length: 40 }, (_, i) => revoked(i * second, addressFields(numbered.ip(i)))),
    fires: false,
  },
  {
    name: 'a tab that was signed out from the phone and reloads itself all day',
    events: knocks(200, 10 * second, { reason: 'ended_elsewhere', ...addressFields(owner) }),
    fires: false,
  },
  {
    name: 'every other browser of somebody who has changed the password',
    events: knocks(12, 20 * second, { reason: 'password_changed', ...addressFields(owner) }),
    fires: false,
  },
  {
    name: 'both holders of a session that forked: that has an alert of its own',
    events: [
      ...knocks(6, second, { reason: 'forked' }),
      ...knocks(6, second, { reason: 'forked', ...addressFields(owner) }),
    ],
    fires: false,
  },
  {
    name: 'a session that ran out, or was signed out of, in a tab that retries',
    events: knocks(40, second, { outcome: 'expired' }).map((event) => without(event, 'reason')),
    fires: false,
  },
  {
    name: 'three contained uses among many of sessions that live',
    events: [...knocks(3, minute), ...Array.from({ length: 50 }, (_, i) => seen(i * second))],
    fires: false,
  },
  {
    name: 'an expired session is none that we have ended, whatever reason stands beside it',
    events: knocks(10, second, { outcome: 'expired' }),
    fires: false,
  },
  { name: 'the staging environment', events: knocks(10, second, { env: 'staging' }), fires: false },
  { name: 'another service', events: knocks(10, second, { service: 'another' }), fires: false },
  {
    name: 'uses without an address count for nobody',
    events: knocks(10, second).map((event) => without(event, 'network')),
    fires: false,
    outsideContract: true,
  },
  {
    name: 'revocations without a reason',
    events: knocks(10, second).map((event) => without(event, 'reason')),
    fires: false,
  },
  {
    name: 'something else that was revoked and contained',
    events: knocks(10, second).map((event) => ({ ...event, evt: 'token' })),
    fires: false,
    outsideContract: true,
  },
]
