import {
  ATTACKER,
  from,
  HOME,
  type Kind,
  loginFailed,
  loginSucceeded,
  MINUTE,
  mfaFailed,
  numbered,
  repeat,
  SECOND,
} from '../events.ts'
import { alertLasting, type DetectionCase, type Proof } from '../harness.ts'

/** Failures each at another account. */
const spray = (count: number, everyMs: number, change: Partial<Kind<'loginFailed'>> = {}, fromMs = 0) =>
  repeat(loginFailed, count, everyMs, (i) => ({ email: `user${i}@example.test`, ...change }), fromMs)

export const proof: Proof = {
  counts: (i, afterMs, subject) =>
    loginFailed(afterMs, {
      request_id: numbered.uuid(i),
      email: `user${i}@example.test`,
      login_hash: numbered.hash(100 * subject + i),
      ...from(numbered.ip(subject)),
    }),
  almost: (i, afterMs, subject) =>
    loginFailed(afterMs, {
      reason: 'blocked',
      login_hash: numbered.hash(100 * subject + i),
      ...from(numbered.ip(subject)),
    }),
}

export const cases: DetectionCase[] = [
  {
    name: 'attempts that the throttle refused, and those at accounts that do not exist, count',
    events: [...spray(6, SECOND, { reason: 'throttled' }), ...spray(5, SECOND, { reason: 'unknown_user' }, 6 * SECOND)],
    fires: [{ '@network': ATTACKER }],
  },
  {
    name: 'attempts that a full queue turned away: that is our fault, not a wrong password',
    events: spray(30, SECOND, { reason: 'busy' }),
    fires: false,
  },
  {
    name: 'requests that could not be read try no password',
    events: spray(30, SECOND, { reason: 'malformed' }),
    fires: false,
  },
  {
    name: 'sixty accounts from sixty addresses of one IPv6 network: one subscriber',
    events: repeat(loginFailed, 60, SECOND, (i) => from(`2001:db8:0:0:${i}::7`)),
    fires: [{ '@network': '2001:db8:0:0::/64' }],
  },
  {
    name: 'an attack from a network whose block does not stop it is reported again every ten minutes',
    events: spray(1_200, 3 * SECOND),
    fires: [{ '@network': ATTACKER }],
    transitions: alertLasting(30 * SECOND, 1_189 * 3 * SECOND + 5 * MINUTE),
  },
  {
    name: 'malformed and canary touches of a blocked network keep no alert alive',
    events: [
      ...spray(11, SECOND),
      ...repeat(
        loginFailed,
        12,
        100 * SECOND,
        (i) => (i % 2 === 0 ? { reason: 'malformed' } : { reason: 'blocked', risk: ['canary'] }),
        100 * SECOND,
      ),
    ],
    fires: [{ '@network': ATTACKER }],
    transitions: alertLasting(10 * SECOND, 5 * MINUTE),
  },
  {
    name: 'an office of forty behind one address signs in within five minutes; every tenth person mistypes once',
    events: Array.from({ length: 40 }, (_, i) => [
      ...(i % 10 === 0 ? [loginFailed(i * 7 * SECOND, from(HOME))] : []),
      loginSucceeded((i * 7 + 3) * SECOND, from(HOME)),
    ]).flat(),
    fires: false,
  },
  { name: 'eleven wrong codes are no failed sign-ins', events: repeat(mfaFailed, 11, SECOND), fires: false },
]
