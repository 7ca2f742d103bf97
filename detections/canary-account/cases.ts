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

type LoginFailed = Extract<Event, { evt: 'login'; outcome: 'fail' }>

const attacker = '203.0.113.9'
const elsewhere = '198.51.100.7'
const planted = 'archive.ledger@example.test'
const second = 1_000
const minute = 60 * second
/** Longer than logs are late on a bad day: one event is enough, and it must not come after its window. */
const window = 15 * minute

const request = (ms: number, ip = attacker) => ({
  timestamp: after(ms),
  level: 'warn' as const,
  service: 'mini-ato-saas',
  env: 'prod',
  ...addressFields(ip),
  user_agent: 'Mozilla/5.0 "quoted" \\ {{x}} $ALERT_ID',
  device_hash: '0123456789abcdef0123456789abcdef',
  via: 'web' as const,
  request_id: newRequestId(),
})

const failure = (ms: number, change: Partial<LoginFailed> = {}): LoginFailed => ({
  ...request(ms),
  evt: 'login',
  outcome: 'fail',
  reason: 'unknown_user',
  email: 'ann@example.test',
  usr: { exists: false },
  ...change,
})

/** A line of a list that nobody can have but whoever stole it. */
const touch = (ms: number, change: Partial<LoginFailed> = {}) =>
  failure(ms, { email: planted, risk: ['canary'], ...change })

const registered = (ms: number, change: { email: string; risk?: ['canary'] }): Event => ({
  ...request(ms),
  evt: 'register',
  outcome: 'pending',
  ...change,
})

export const proof: Proof = {
  counts: (i, afterMs, subject) =>
    touch(afterMs, { request_id: numbered.uuid(i), ...addressFields(numbered.ip(subject)) }),
}

export const cases: DetectionCase[] = [
  {
    name: 'five lines of a stolen list, the third of them planted: the first touch is the alert',
    events: [failure(0), failure(second), touch(2 * second), failure(3 * second), failure(4 * second)],
    fires: [{ '@network': attacker }],
    transitions: alertLasting(2 * second, window + 2 * second),
  },
  {
    name: 'somebody who registers the planted address, whether or not anybody confirms it',
    events: [registered(0, { email: planted, risk: ['canary'] })],
    fires: [{ '@network': attacker }],
  },
  {
    name: 'a touch that the throttle refused, and one with a wrong password from an IPv6 address',
    events: [
      touch(0, { reason: 'throttled' }),
      touch(second, { reason: 'wrong_password', ...addressFields('2001:db8::7') }),
    ],
    fires: [{ '@network': attacker }, { '@network': '2001:db8:0:0::/64' }],
  },
  {
    name: 'touches from a network that is blocked already keep no alert alive',
    events: [touch(0), ...Array.from({ length: 9 }, (_, i) => touch((i + 1) * 100 * second, { reason: 'blocked' }))],
    fires: [{ '@network': attacker }],
    transitions: alertLasting(0, window),
  },
  {
    name: 'a touch that a full queue turned away: what has not been tried is tried again',
    events: [touch(0, { reason: 'busy' })],
    fires: false,
  },
  {
    name: 'touches from every corner of one subscriber’s network are one alert',
    events: [1, 2, 3].map((host) => touch(host * second, addressFields(`2001:db8:0:0:${host}::7`))),
    fires: [{ '@network': '2001:db8:0:0::/64' }],
  },
  {
    name: 'the planted address opened with a password of its own',
    events: [
      {
        ...request(0),
        ...{ evt: 'login', outcome: 'success', email: planted, usr: { id: numbered.uuid(1) }, sid: numbered.sid(1) },
        ...{ device_known: false, risk: ['new_device', 'canary'] },
      },
    ],
    fires: [{ '@network': attacker }],
  },
  {
    name: 'a touch every quarter of an hour less a millisecond is one alert',
    events: Array.from({ length: 4 }, (_, i) => touch(i * (window - 1))),
    fires: [{ '@network': attacker }],
    transitions: alertLasting(0, 3 * (window - 1) + window),
  },
  {
    name: 'a touch after a recovery is a second alert',
    events: [touch(0), touch(2 * window)],
    fires: [{ '@network': attacker }, { '@network': attacker }],
    transitions: [...alertLasting(0, window), ...alertLasting(2 * window, 3 * window)],
  },
  {
    name: 'two addresses with the same list, each an alert of its own',
    events: [touch(0), touch(second, addressFields(elsewhere))],
    fires: [{ '@network': attacker }, { '@network': elsewhere }],
  },
  {
    name: 'people whose addresses look like the planted one',
    events: [
      failure(0, { email: 'archive.ledger+mail@example.test' }),
      failure(second, { email: 'archive.ledgers@example.test' }),
      failure(2 * second, { email: 'archive.ledger@example.test.example.org' }),
      registered(3 * second, { email: 'ledger.archive@example.test' }),
    ],
    fires: false,
  },
  {
    name: 'a list without a planted line is another detection’s',
    events: Array.from({ length: 100 }, (_, i) => failure(i * second, { email: `user${i}@example.test` })),
    fires: false,
  },
  {
    name: 'every risk that is not canary',
    events: [failure(0, { risk: ['new_device', 'after_failures', 'spray', 'travel'] })],
    fires: false,
  },
  {
    name: 'the session that comes of it is not another touch',
    events: [
      {
        ...request(0),
        ...{ evt: 'session', outcome: 'new', usr: { id: numbered.uuid(1) }, sid: numbered.sid(1), risk: ['canary'] },
      },
    ],
    fires: false,
  },
  { name: 'the staging environment', events: [touch(0, { env: 'staging' })], fires: false },
  { name: 'another service', events: [touch(0, { service: 'another' })], fires: false },
  {
    name: 'a touch without an address counts for nobody',
    events: [without(touch(0), 'network')],
    fires: false,
    outsideContract: true,
  },
]
