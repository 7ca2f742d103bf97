import { after, type DetectionCase, numbered, type Proof, without } from '../../lab/datadog/testing.ts'
import { addressFields } from '../../shared/client/address.ts'
import type { Event } from '../../shared/event.ts'

type LoginFailed = Extract<Event, { evt: 'login'; outcome: 'fail' }>

const attacker = '203.0.113.9'
const elsewhere = '198.51.100.7'
const planted = 'archive.ledger@example.test'
const second = 1_000
const minute = 60 * second

const request = (ms: number, ip = attacker) => ({
  timestamp: after(ms),
  level: 'warn' as const,
  service: 'mini-ato-saas',
  env: 'prod',
  ...addressFields(ip),
  user_agent: 'Mozilla/5.0 "quoted" \\ {{x}} $ALERT_ID',
  device_hash: '0123456789abcdef0123456789abcdef',
  via: 'web' as const,
  request_id: '6f1c1a3e-8f5d-4a57-9f0e-2f1d2c3b4a59',
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
  outcome: 'success',
  usr: { id: '0b7c3b0e-52b1-4d7a-8a8f-3d6d0f2c9a11' },
  ...change,
})

export const proof: Proof = {
  counts: (_i, afterMs, subject) => touch(afterMs, addressFields(numbered.ip(subject))),
}

export const cases: DetectionCase[] = [
  {
    name: 'five lines of a stolen list, the third of them planted: the first touch is the alert',
    events: [failure(0), failure(second), touch(2 * second), failure(3 * second), failure(4 * second)],
    fires: [{ '@ip': attacker }],
    transitions: [
      ['Triggered', 2 * second],
      ['Recovered', 5 * minute + 2 * second],
    ],
  },
  {
    name: 'somebody who registers the planted address',
    events: [registered(0, { email: planted, risk: ['canary'] })],
    fires: [{ '@ip': attacker }],
  },
  {
    name: 'a touch that a throttle, a block or a full queue refused',
    events: [
      touch(0, { reason: 'throttled' }),
      touch(second, { reason: 'blocked', ...addressFields(elsewhere) }),
      touch(2 * second, { reason: 'wrong_password', ...addressFields('2001:db8::7') }),
    ],
    fires: [{ '@ip': attacker }, { '@ip': elsewhere }, { '@ip': '2001:db8::7' }],
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
    fires: [{ '@ip': attacker }],
  },
  {
    name: 'a touch every five minutes less a millisecond is one alert',
    events: Array.from({ length: 4 }, (_, i) => touch(i * (5 * minute - 1))),
    fires: [{ '@ip': attacker }],
    transitions: [
      ['Triggered', 0],
      ['Recovered', 3 * (5 * minute - 1) + 5 * minute],
    ],
  },
  {
    name: 'a touch after a recovery is a second alert',
    events: [touch(0), touch(10 * minute)],
    fires: [{ '@ip': attacker }, { '@ip': attacker }],
    transitions: [
      ['Triggered', 0],
      ['Recovered', 5 * minute],
      ['Triggered', 10 * minute],
      ['Recovered', 15 * minute],
    ],
  },
  {
    name: 'two addresses with the same list, each an alert of its own',
    events: [touch(0), touch(second, addressFields(elsewhere))],
    fires: [{ '@ip': attacker }, { '@ip': elsewhere }],
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
    events: [failure(0, { risk: ['new_device', 'after_failures', 'spray', 'travel', 'breached_password'] })],
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
    events: [without(touch(0), 'ip')],
    fires: false,
    outsideContract: true,
  },
]
