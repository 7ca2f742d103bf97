import {
  ATTACKER,
  from,
  HOME,
  HOUR,
  type Kind,
  loginChallenged,
  loginFailed,
  loginSucceeded,
  MINUTE,
  numbered,
  repeat,
  SECOND,
  sessionOpened,
} from '../events.ts'
import { alertLasting, type DetectionCase, type Proof } from '../harness.ts'

type Change = Partial<Kind<'loginFailed'>>

/** The n-th login, refused, with a password that has been tried on four other logins before. */
const sprayed = (n: number, ms: number, change: Change = {}) =>
  loginFailed(ms, { login_hash: numbered.hash(n), risk: ['spray'], ...change })
/** Login after login. */
const spray = (logins: number, everyMs: number, change: Change = {}, fromMs = 0) =>
  Array.from({ length: logins }, (_, n) => sprayed(n, fromMs + n * everyMs, change))

export const proof: Proof = {
  counts: (i, afterMs, subject) => sprayed(100 * subject + i, afterMs, from(numbered.ip(subject))),
  almost: (i, afterMs, subject) => sprayed(100 * subject + (i % 2), afterMs, from(numbered.ip(subject))),
  equivalent: { 'search: without @evt:login': 'sessions are flagged as well, and name no login to be counted' },
}

const fires = [{ '@network': ATTACKER }]

export const cases: DetectionCase[] = [
  {
    name: 'one password on a dozen logins: the app flags the fifth, the third of those is the alert',
    events: Array.from({ length: 12 }, (_, n) => sprayed(n, n * 5 * SECOND, n < 4 ? { risk: [] } : {})),
    fires,
    transitions: alertLasting(30 * SECOND, HOUR + 45 * SECOND),
  },
  {
    name: 'a slow spray, one login every twenty minutes, is noticed at the third',
    events: spray(9, 20 * MINUTE - 1),
    fires,
    transitions: alertLasting(2 * (20 * MINUTE - 1), 6 * (20 * MINUTE - 1) + HOUR),
  },
  { name: 'one login every half an hour', events: spray(9, 30 * MINUTE), fires: false },
  {
    name: 'three flagged logins, each from an address of its own',
    events: [0, 1, 2].map((n) => sprayed(n, n * SECOND, from(numbered.ip(n)))),
    fires: false,
  },
  {
    name: 'the password fits: a sign-in and a second factor count as tries like any other',
    events: [
      sprayed(0, 0),
      loginSucceeded(SECOND, { login_hash: numbered.hash(1), risk: ['spray', 'new_device'] }),
      loginChallenged(2 * SECOND, { login_hash: numbered.hash(2), risk: ['spray'] }),
    ],
    fires,
  },
  {
    name: 'logins of nobody, and those that the throttle refused',
    events: [
      sprayed(0, 0, { reason: 'unknown_user', usr: { exists: false } }),
      ...spray(3, SECOND, { reason: 'throttled' }),
    ],
    fires,
  },
  { name: 'attempts that a full queue turned away', events: spray(9, SECOND, { reason: 'busy' }), fires: false },
  {
    name: 'what a blocked network goes on trying keeps no alert alive: a second spray is a second alert',
    events: [
      ...spray(3, SECOND),
      ...spray(30, 3 * MINUTE, { reason: 'blocked' }, 3 * MINUTE),
      ...spray(3, SECOND, {}, 2 * HOUR),
    ],
    fires: [...fires, ...fires],
  },
  {
    name: 'a spray from three addresses of one IPv6 network',
    events: [1, 2, 3].map((n) => sprayed(n, n * SECOND, from(`2001:db8:0:0:${n}::7`))),
    fires: [{ '@network': '2001:db8:0:0::/64' }],
  },
  {
    name: 'an office behind one address, each mistyping a password of their own',
    events: repeat(loginFailed, 40, 7 * SECOND, (i) => ({ login_hash: numbered.hash(i), ...from(HOME) })),
    fires: false,
  },
  {
    name: 'every risk that is not spray',
    events: spray(9, SECOND, { risk: ['new_device', 'after_failures', 'travel', 'canary'] }),
    fires: false,
  },
  {
    name: 'sessions that came of it are not logins tried',
    events: repeat(sessionOpened, 3, SECOND, (i) => ({ sid: numbered.sid(i), risk: ['spray'] })),
    fires: false,
  },
]
