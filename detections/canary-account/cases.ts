import {
  ATTACKER,
  from,
  type Kind,
  loginFailed,
  loginSucceeded,
  MINUTE,
  numbered,
  registered,
  repeat,
  SECOND,
  sessionOpened,
} from '../events.ts'
import { alertLasting, type DetectionCase, type Proof } from '../harness.ts'

const planted = 'archive.ledger@example.test'
const stranger: Partial<Kind<'loginFailed'>> = { reason: 'unknown_user', usr: { exists: false } }
/** A line of a list that nobody can have but whoever stole it. */
const touch = (ms: number, change: Partial<Kind<'loginFailed'>> = {}) =>
  loginFailed(ms, { ...stranger, email: planted, risk: ['canary'], ...change })

export const proof: Proof = {
  counts: (i, afterMs, subject) =>
    registered(afterMs, {
      email: planted,
      risk: ['canary'],
      request_id: numbered.uuid(i),
      ...from(numbered.ip(subject)),
    }),
  almost: (_i, afterMs, subject) => sessionOpened(afterMs, { risk: ['canary'], ...from(numbered.ip(subject)) }),
}

const fires = [{ '@network': ATTACKER }]

export const cases: DetectionCase[] = [
  {
    name: 'five lines of a stolen list, the third of them planted: the first touch is the alert',
    events: [0, 1, 2, 3, 4].map((i) => (i === 2 ? touch(i * SECOND) : loginFailed(i * SECOND, stranger))),
    fires,
    transitions: alertLasting(2 * SECOND, 15 * MINUTE + 2 * SECOND),
  },
  {
    name: 'a touch that the throttle refused, and one with a wrong password from an IPv6 address',
    events: [touch(0, { reason: 'throttled' }), touch(SECOND, { reason: 'wrong_password', ...from('2001:db8::7') })],
    fires: [...fires, { '@network': '2001:db8:0:0::/64' }],
  },
  {
    name: 'touches from a network that is blocked already keep no alert alive',
    events: [touch(0), ...repeat(touch, 9, 100 * SECOND, { reason: 'blocked' }, 100 * SECOND)],
    fires,
    transitions: alertLasting(0, 15 * MINUTE),
  },
  {
    name: 'a touch that a full queue turned away: what has not been tried is tried again',
    events: [touch(0, { reason: 'busy' })],
    fires: false,
  },
  {
    name: 'the planted address opened with a password of its own',
    events: [loginSucceeded(0, { email: planted, device_known: false, risk: ['new_device', 'canary'] })],
    fires,
  },
  {
    name: 'people whose addresses look like the planted one, and a list without a planted line',
    events: [
      loginFailed(0, { ...stranger, email: 'archive.ledger+mail@example.test' }),
      loginFailed(SECOND, { ...stranger, email: 'archive.ledger@example.test.example.org' }),
      registered(2 * SECOND, { email: 'ledger.archive@example.test' }),
      ...repeat(loginFailed, 100, SECOND, (i) => ({ ...stranger, email: `user${i}@example.test` }), 3 * SECOND),
    ],
    fires: false,
  },
  {
    name: 'every risk that is not canary',
    events: [loginFailed(0, { risk: ['new_device', 'after_failures', 'spray', 'travel'] })],
    fires: false,
  },
]
