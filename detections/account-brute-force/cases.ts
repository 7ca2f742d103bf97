import { after, type DetectionCase, newRequestId, numbered, type Proof, without } from '../../lab/datadog/testing.ts'
import { addressFields } from '../../shared/client/address.ts'
import type { Event } from '../../shared/event.ts'

type LoginFailed = Extract<Event, { evt: 'login'; outcome: 'fail' }>

const victim = numbered.hash(1)
const other = numbered.hash(2)
const usr = { id: '0b7c3b0e-52b1-4d7a-8a8f-3d6d0f2c9a11' }
const second = 1_000
const minute = 60 * second

const request = (ms: number, ip: string) => ({
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
  ...request(ms, '203.0.113.9'),
  evt: 'login',
  outcome: 'fail',
  reason: 'wrong_password',
  email: 'ann@example.test',
  login_hash: victim,
  usr: { ...usr, exists: true },
  ...change,
})

/** So many guesses at one login, so many milliseconds apart, from three addresses in turn. */
const guesses = (count: number, everyMs: number, change: Partial<LoginFailed> = {}, fromMs = 0) =>
  Array.from({ length: count }, (_, i) =>
    failure(fromMs + i * everyMs, { ...addressFields(numbered.ip(i % 3)), ...change }),
  )

type CredentialFailed = Extract<Event, { evt: 'credential'; outcome: 'fail' }>
/** So many guesses at the same password where a session asks for it, so many milliseconds apart. */
const guessesInside = (count: number, everyMs: number, change: Partial<CredentialFailed> = {}, fromMs = 0): Event[] =>
  Array.from({ length: count }, (_, i) => ({
    ...request(fromMs + i * everyMs, '203.0.113.9'),
    ...{ evt: 'credential', outcome: 'fail', action: 'reauthenticated', reason: 'wrong_password' },
    ...{ login_hash: victim, usr, sid: 'AAAAAAAAAAAAAAAAAAAAAA', ...change },
  }))

const success = (ms: number): Event => ({
  ...request(ms, '198.51.100.7'),
  level: 'info',
  evt: 'login',
  outcome: 'success',
  email: 'ann@example.test',
  login_hash: victim,
  usr,
  sid: 'AAAAAAAAAAAAAAAAAAAAAA',
  device_known: true,
})

export const proof: Proof = {
  counts: (i, afterMs, subject) =>
    failure(afterMs, {
      request_id: numbered.uuid(i),
      ...addressFields(numbered.ip(i)),
      login_hash: numbered.hash(subject),
    }),
}

export const cases: DetectionCase[] = [
  {
    name: 'twenty-four guesses at one login from three addresses, all but ten refused by its throttle',
    events: [...guesses(10, 20 * second), ...guesses(14, 20 * second, { reason: 'throttled' }, 200 * second)],
    fires: [{ '@login_hash': victim }],
    transitions: [
      ['Triggered', 400 * second],
      ['Recovered', 15 * minute + 60 * second],
    ],
  },
  {
    name: 'twenty-one guesses, the last 899,999 ms after the first',
    events: [...guesses(20, 1), failure(15 * minute - 1)],
    fires: [{ '@login_hash': victim }],
    transitions: [
      ['Triggered', 15 * minute - 1],
      ['Recovered', 15 * minute],
    ],
  },
  {
    name: 'twenty-one guesses, the last 900,000 ms after the first',
    events: [...guesses(20, 1), failure(15 * minute)],
    fires: false,
  },
  { name: 'twenty guesses', events: guesses(20, 30 * second), fires: false },
  {
    name: 'twenty-one addresses, one guess each',
    events: Array.from({ length: 21 }, (_, i) => failure(i * second, addressFields(numbered.ip(i)))),
    fires: true,
  },
  {
    name: 'twenty guesses at each of two logins',
    events: [...guesses(20, second), ...guesses(20, second, { login_hash: other }, 500)],
    fires: false,
  },
  {
    name: 'two logins under attack, each an alert of its own',
    events: [...guesses(21, second), ...guesses(21, second, { login_hash: other }, 500)],
    fires: [{ '@login_hash': victim }, { '@login_hash': other }],
  },
  {
    name: 'an attack that goes on is one alert, whether or not the owner signs in meanwhile',
    events: [...guesses(100, 20 * second), success(999 * second)].sort((one, next) =>
      one.timestamp.localeCompare(next.timestamp),
    ),
    fires: [{ '@login_hash': victim }],
    transitions: [
      ['Triggered', 400 * second],
      ['Recovered', 79 * 20 * second + 15 * minute],
    ],
  },
  {
    name: 'a second attack after a recovery is a second alert',
    events: [...guesses(21, second), ...guesses(21, second, {}, 30 * minute)],
    fires: [{ '@login_hash': victim }, { '@login_hash': victim }],
  },
  {
    name: 'guesses at a login that nobody has: whether it exists is not for the monitor to know',
    events: guesses(21, second, { reason: 'unknown_user', usr: { exists: false } }),
    fires: true,
  },
  {
    name: 'guesses at what has not the form of an address',
    events: guesses(21, second).map((event) => without(event, 'email')),
    fires: true,
  },
  {
    name: 'attempts from an address that is blocked already',
    events: guesses(60, second, { reason: 'blocked' }),
    fires: false,
  },
  {
    name: 'ten that were answered and thirty that a block refused',
    events: [...guesses(10, second), ...guesses(30, second, { reason: 'blocked' }, 10 * second)],
    fires: false,
  },
  {
    name: 'ten guesses at the sign-in, and eleven by a stolen session where the password is asked for again',
    events: [...guesses(10, second), ...guessesInside(11, second, {}, 10 * second)],
    fires: [{ '@login_hash': victim }],
  },
  {
    name: 'twenty-one guesses at a change of password, most of them refused unread',
    events: [
      ...guessesInside(5, second, { action: 'password_changed' }),
      ...guessesInside(16, second, { action: 'password_changed', reason: 'throttled' }, 5 * second),
    ],
    fires: [{ '@login_hash': victim }],
  },
  {
    name: 'thirty new passwords that were too weak, or came while the service was busy: none is a guess',
    events: [
      ...guessesInside(30, second, { action: 'password_changed', reason: 'weak_password' }),
      ...guessesInside(30, second, { reason: 'busy' }, 30 * second),
    ],
    fires: false,
  },
  {
    name: 'thirty changes of password that succeeded',
    events: guessesInside(30, second).map((event) => ({ ...event, outcome: 'success' })),
    fires: false,
    outsideContract: true,
  },
  {
    name: 'thirty sign-ins that a full queue turned away: that is our fault, not a guess',
    events: guesses(30, second, { reason: 'busy' }),
    fires: false,
  },
  {
    name: 'twenty guesses whose lines the drain delivered twice',
    events: guesses(20, second).flatMap((event) => [event, event]),
    fires: false,
  },
  {
    name: 'a mail client with an old password, every three minutes',
    events: guesses(20, 3 * minute, addressFields('198.51.100.7')),
    fires: false,
  },
  {
    name: 'a mail client with an old password, five times, until its owner mends it',
    events: [...guesses(5, 10 * second, addressFields('198.51.100.7')), success(90 * second)],
    fires: false,
  },
  {
    name: 'a list of a hundred logins, one try each',
    events: Array.from({ length: 100 }, (_, i) => failure(i * second, { login_hash: numbered.hash(i) })),
    fires: false,
  },
  {
    name: 'a script that signs in anew for each of its hundred calls',
    events: Array.from({ length: 100 }, (_, i) => success(i * second)),
    fires: false,
  },
  {
    name: 'a hundred wrong codes: a code is guessed at after the password, and is another detection’s',
    events: Array.from(
      { length: 100 },
      (_, i): Event => ({
        ...request(i * second, '203.0.113.9'),
        ...{ evt: 'mfa', outcome: 'fail', reason: 'wrong_code', usr },
      }),
    ),
    fires: false,
  },
  {
    name: 'somebody who registers the same address again and again',
    events: Array.from(
      { length: 30 },
      (_, i): Event => ({
        ...request(i * second, '203.0.113.9'),
        ...{ evt: 'register', outcome: 'fail', reason: i < 3 ? 'existing' : 'throttled', login_hash: victim },
      }),
    ),
    fires: false,
  },
  { name: 'the staging environment', events: guesses(60, second, { env: 'staging' }), fires: false },
  { name: 'another service', events: guesses(60, second, { service: 'another' }), fires: false },
  {
    name: 'attempts that could not be read name no login, and count for none',
    events: guesses(60, second, { reason: 'malformed' }).map((event) => without(event, 'login_hash', 'email')),
    fires: false,
  },
]
