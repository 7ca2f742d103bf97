import {
  credentialFailed,
  from,
  HOME,
  HOUR,
  type Kind,
  loginFailed,
  loginSucceeded,
  MINUTE,
  numbered,
  registerFailed,
  repeat,
  SECOND,
  without,
} from '../events.ts'
import type { DetectionCase, Proof } from '../harness.ts'

const victim = { '@login_hash': numbered.hash(1) }

/** Guesses at one login from three addresses in turn. */
const guesses = (count: number, everyMs: number, change: Partial<Kind<'loginFailed'>> = {}, fromMs = 0) =>
  repeat(loginFailed, count, everyMs, (i) => ({ ...from(numbered.ip(i % 3)), ...change }), fromMs)

export const proof: Proof = {
  counts: (i, afterMs, subject) =>
    loginFailed(afterMs, {
      request_id: numbered.uuid(i),
      ...from(numbered.ip(i)),
      login_hash: numbered.hash(subject),
    }),
  almost: (i, afterMs, subject) =>
    loginFailed(afterMs, { reason: 'blocked', ...from(numbered.ip(i)), login_hash: numbered.hash(subject) }),
}

export const cases: DetectionCase[] = [
  {
    name: 'twenty-four guesses at one login from three addresses, all but ten refused by its throttle',
    events: [...guesses(10, 20 * SECOND), ...guesses(14, 20 * SECOND, { reason: 'throttled' }, 200 * SECOND)],
    fires: [victim],
    transitions: [
      ['Triggered', 400 * SECOND],
      ['Recovered', 16 * MINUTE],
    ],
  },
  {
    name: 'an owner who signs in meanwhile ends no alert',
    events: [...guesses(30, SECOND), loginSucceeded(30 * SECOND), ...guesses(30, SECOND, {}, 31 * SECOND)],
    fires: [victim],
  },
  {
    name: 'guesses at a login that nobody has, which need not have the form of an address',
    events: guesses(21, SECOND, { reason: 'unknown_user', usr: { exists: false } }).map((each) =>
      without(each, 'email'),
    ),
    fires: [victim],
  },
  {
    name: 'ten guesses at the sign-in, and eleven by a stolen session where the password is asked for again',
    events: [...guesses(10, SECOND), ...repeat(credentialFailed, 11, SECOND, {}, 10 * SECOND)],
    fires: [victim],
  },
  {
    name: 'twenty-one guesses at a change of password, most of them refused unread',
    events: repeat(credentialFailed, 21, SECOND, (i) => ({
      action: 'password_changed',
      reason: i < 5 ? 'wrong_password' : 'throttled',
    })),
    fires: [victim],
  },
  {
    name: 'thirty new passwords that were too weak, or came while the service was busy: none is a guess',
    events: repeat(credentialFailed, 60, SECOND, (i) => ({ reason: i % 2 === 0 ? 'weak_password' : 'busy' })),
    fires: false,
  },
  {
    name: 'thirty changes of password that succeeded',
    events: repeat(credentialFailed, 30, SECOND).map((each) => ({ ...each, outcome: 'success' })),
    fires: false,
    outsideContract: true,
  },
  {
    name: 'thirty sign-ins that a full queue turned away: that is our fault, not a guess',
    events: guesses(30, SECOND, { reason: 'busy' }),
    fires: false,
  },
  {
    name: 'a mail client with an old password tries every three minutes until its owner corrects it',
    events: [...repeat(loginFailed, 20, 3 * MINUTE, from(HOME)), loginSucceeded(HOUR, from(HOME))],
    fires: false,
  },
  {
    name: 'a script that signs in anew for each of its hundred calls',
    events: repeat(loginSucceeded, 100, SECOND),
    fires: false,
  },
  {
    name: 'somebody who registers the same address again and again',
    events: repeat(registerFailed, 30, SECOND, (i) => ({ reason: i < 3 ? 'existing' : 'throttled' })),
    fires: false,
  },
  {
    name: 'attempts that could not be read name no login, and count for none',
    events: guesses(60, SECOND, { reason: 'malformed' }).map((each) => without(each, 'login_hash', 'email')),
    fires: false,
  },
]
