import { after, type DetectionCase, numbered, type Proof, without } from '../../lab/datadog/testing.ts'
import { addressFields } from '../../shared/client/address.ts'
import type { Event } from '../../shared/event.ts'

type LoginFailed = Extract<Event, { evt: 'login'; outcome: 'fail' }>

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
  request_id: '6f1c1a3e-8f5d-4a57-9f0e-2f1d2c3b4a59',
})

/** A login of nobody here, from the n-th address. */
const stranger = (n: number, ms: number, change: Partial<LoginFailed> = {}): LoginFailed => ({
  ...request(ms, numbered.ip(n)),
  evt: 'login',
  outcome: 'fail',
  reason: 'unknown_user',
  email: `user${n}@example.test`,
  login_hash: numbered.hash(n),
  usr: { exists: false },
  ...change,
})

/** So many addresses, one login each. */
const botnet = (addresses: number, everyMs: number, change: Partial<LoginFailed> = {}, fromMs = 0) =>
  Array.from({ length: addresses }, (_, n) => stranger(n, fromMs + n * everyMs, change))

/** Somebody of ours mistypes the password. */
const slip = (n: number, ms: number): LoginFailed =>
  stranger(n, ms, { reason: 'wrong_password', usr: { id: numbered.uuid(n), exists: true } })

const success = (n: number, ms: number): Event => ({
  ...request(ms, numbered.ip(n)),
  level: 'info',
  evt: 'login',
  outcome: 'success',
  login_hash: numbered.hash(n),
  usr: { id: numbered.uuid(n) },
  sid: numbered.sid(n),
  device_known: true,
})

/** Two hundred people sign in at home within ten minutes; every fifth mistypes the password, every tenth the address. */
const mondayMorning = Array.from({ length: 200 }, (_, n) => [
  ...(n % 5 === 0 ? [slip(n, n * 2_900)] : []),
  ...(n % 10 === 0 ? [stranger(n, n * 2_900 + 500)] : []),
  success(n, n * 2_900 + second),
]).flat()

export const proof: Proof = {
  counts: (i, afterMs, subject) => stranger(i, afterMs, { via: subject === 0 ? 'web' : 'api' }),
  equivalent: {
    'search: without @evt:login': 'by the contract, unknown_user is a reason of sign-ins alone',
    'search: without @outcome:fail': 'by the contract, unknown_user is a reason of failures alone',
  },
}

export const cases: DetectionCase[] = [
  {
    name: 'forty addresses, one login of nobody from each: the thirty-first is the alert',
    events: botnet(40, 3 * second),
    fires: [{ '@via': 'web' }],
    transitions: [
      ['Triggered', 90 * second],
      ['Recovered', 10 * minute + 27 * second],
    ],
  },
  {
    name: 'thirty-one addresses, the last 599,999 ms after the first',
    events: [...botnet(30, 1), stranger(30, 10 * minute - 1)],
    fires: [{ '@via': 'web' }],
    transitions: [
      ['Triggered', 10 * minute - 1],
      ['Recovered', 10 * minute],
    ],
  },
  {
    name: 'thirty-one addresses, the last 600,000 ms after the first',
    events: [...botnet(30, 1), stranger(30, 10 * minute)],
    fires: false,
  },
  { name: 'thirty addresses', events: botnet(30, 10 * second), fires: false },
  {
    name: 'thirty addresses at the pages and thirty others at the API',
    events: [
      ...botnet(30, 10 * second),
      ...Array.from({ length: 30 }, (_, n) => stranger(30 + n, n * 10 * second, { via: 'api' })),
    ],
    fires: false,
  },
  {
    name: 'pages and API at once, each an alert of its own',
    events: [...botnet(31, second), ...botnet(31, second, { via: 'api' }, 500)],
    fires: [{ '@via': 'web' }, { '@via': 'api' }],
    transitions: [
      ['Triggered', 30 * second],
      ['Triggered', 30 * second + 500],
      ['Recovered', 10 * minute],
      ['Recovered', 10 * minute + 500],
    ],
  },
  {
    name: 'an attack that goes on is one alert, until it has ended for ten minutes',
    events: botnet(1_000, 5 * second),
    fires: [{ '@via': 'web' }],
    transitions: [
      ['Triggered', 150 * second],
      ['Recovered', 969 * 5 * second + 10 * minute],
    ],
  },
  {
    name: 'a second wave after a recovery is a second alert',
    events: [...botnet(31, second), ...botnet(31, second, {}, 20 * minute)],
    fires: [{ '@via': 'web' }, { '@via': 'web' }],
  },
  {
    name: 'a list that tries each login from two addresses',
    events: Array.from({ length: 31 }, (_, n) => stranger(n, n * second, { login_hash: numbered.hash(n >> 1) })),
    fires: true,
  },
  {
    name: 'one bot per address, each with five tries',
    events: Array.from({ length: 155 }, (_, n) => stranger(n % 31, n * second)),
    fires: true,
  },
  {
    name: 'addresses of both families',
    events: Array.from({ length: 31 }, (_, n) =>
      stranger(n, n * second, n % 2 === 0 ? {} : addressFields(`2001:db8:0:${n.toString(16)}::7`)),
    ),
    fires: true,
  },
  {
    name: 'a hundred logins of nobody from one address are another detection’s',
    events: Array.from({ length: 100 }, (_, n) => stranger(n, n * second, addressFields('203.0.113.9'))),
    fires: false,
  },
  { name: 'a Monday morning of two hundred people, each at home', events: mondayMorning, fires: false },
  {
    name: 'forty people at forty addresses, each mistyping the password of an account that they have',
    events: Array.from({ length: 40 }, (_, n) => slip(n, n * 10 * second)),
    fires: false,
  },
  {
    name: 'attempts that were refused unread: throttled, blocked or malformed',
    events: [
      ...botnet(40, second, { reason: 'throttled' }),
      ...botnet(40, second, { reason: 'blocked' }),
      ...botnet(40, second, { reason: 'malformed' }),
    ],
    fires: false,
  },
  {
    name: 'a wave of registrations under addresses that are taken',
    events: Array.from(
      { length: 60 },
      (_, n): Event => ({
        ...request(n * second, numbered.ip(n)),
        ...{ evt: 'register', outcome: 'fail', reason: 'existing', login_hash: numbered.hash(n) },
      }),
    ),
    fires: false,
  },
  { name: 'the staging environment', events: botnet(40, second, { env: 'staging' }), fires: false },
  { name: 'another service', events: botnet(40, second, { service: 'another' }), fires: false },
  {
    name: 'attempts without an address are no further addresses',
    events: botnet(40, second).map((event) => without(event, 'network')),
    fires: false,
    outsideContract: true,
  },
  {
    name: 'attempts that came through neither count for neither',
    events: botnet(40, second).map((event) => without(event, 'via')),
    fires: false,
    outsideContract: true,
  },
]
