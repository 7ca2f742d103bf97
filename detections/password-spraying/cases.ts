import { after, alertLasting, type DetectionCase, numbered, type Proof, without } from '../../lab/datadog/testing.ts'
import { addressFields } from '../../shared/client/address.ts'
import type { Event } from '../../shared/event.ts'

type LoginFailed = Extract<Event, { evt: 'login'; outcome: 'fail' }>

const attacker = '203.0.113.9'
const elsewhere = '198.51.100.7'
const second = 1_000
const minute = 60 * second
const hour = 60 * minute

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

/** Somebody's n-th login, refused. */
const failure = (n: number, ms: number, change: Partial<LoginFailed> = {}): LoginFailed => ({
  ...request(ms),
  evt: 'login',
  outcome: 'fail',
  reason: 'wrong_password',
  email: `user${n}@example.test`,
  login_hash: numbered.hash(n),
  usr: { id: numbered.uuid(n), exists: true },
  ...change,
})

/** The same with a password that has been tried on four other logins before. */
const sprayed = (n: number, ms: number, change: Partial<LoginFailed> = {}) =>
  failure(n, ms, { risk: ['spray'], ...change })

/** So many logins, one after the other, with the one password. */
const spray = (logins: number, everyMs: number, change: Partial<LoginFailed> = {}, fromMs = 0) =>
  Array.from({ length: logins }, (_, i) => sprayed(i, fromMs + i * everyMs, change))

/** It fits: with a session, or with a second factor still to come. */
const fits = (n: number, ms: number, outcome: 'success' | 'challenge'): Event => {
  const attempt = {
    ...request(ms),
    level: 'info' as const,
    evt: 'login' as const,
    login_hash: numbered.hash(n),
    usr: { id: numbered.uuid(n) },
    device_known: false,
    risk: ['spray' as const, 'new_device' as const],
  }
  return outcome === 'success' ? { ...attempt, outcome, sid: numbered.sid(n) } : { ...attempt, outcome }
}

export const proof: Proof = {
  counts: (i, afterMs, subject) => sprayed(i, afterMs, addressFields(numbered.ip(subject))),
  equivalent: { 'search: without @evt:login': 'sessions are flagged as well, and name no login to be counted' },
}

export const cases: DetectionCase[] = [
  {
    name: 'one password on a dozen logins: the app flags the fifth, the third of those is the alert',
    events: [
      ...Array.from({ length: 4 }, (_, n) => failure(n, n * 5 * second)),
      ...Array.from({ length: 8 }, (_, n) => sprayed(4 + n, (4 + n) * 5 * second)),
    ],
    fires: [{ '@network': attacker }],
    transitions: alertLasting(30 * second, hour + 45 * second),
  },
  {
    name: 'three flagged logins, the last 3,599,999 ms after the first',
    events: [...spray(2, 1), sprayed(2, hour - 1)],
    fires: [{ '@network': attacker }],
    transitions: [
      ['Triggered', hour - 1],
      ['Recovered', hour],
    ],
  },
  {
    name: 'three flagged logins, the last 3,600,000 ms after the first',
    events: [...spray(2, 1), sprayed(2, hour)],
    fires: false,
  },
  { name: 'two flagged logins: six accounts were tried in all', events: spray(2, second), fires: false },
  {
    name: 'two accounts of one person, tried thirty times with a password that others try as well',
    events: Array.from({ length: 30 }, (_, i) => sprayed(i % 2, i * second)),
    fires: false,
  },
  {
    name: 'a slow spray, one login every twenty minutes, is noticed at the third',
    events: spray(9, 20 * minute - 1),
    fires: [{ '@network': attacker }],
    transitions: alertLasting(2 * (20 * minute - 1), 6 * (20 * minute - 1) + hour),
  },
  { name: 'one login every half an hour', events: spray(9, 30 * minute), fires: false },
  {
    name: 'three flagged logins, each from an address of its own',
    events: Array.from({ length: 3 }, (_, n) => sprayed(n, n * second, addressFields(numbered.ip(n)))),
    fires: false,
  },
  {
    name: 'two addresses that share the work, each an alert of its own',
    events: [...spray(3, second), ...spray(3, second, addressFields(elsewhere), 500)],
    fires: [{ '@network': attacker }, { '@network': elsewhere }],
  },
  {
    name: 'a second spray after a recovery is a second alert',
    events: [...spray(3, second), ...spray(3, second, {}, 3 * hour)],
    fires: [{ '@network': attacker }, { '@network': attacker }],
  },
  {
    name: 'the password fits: a sign-in and a second factor count as tries like any other',
    events: [sprayed(0, 0), fits(1, second, 'success'), fits(2, 2 * second, 'challenge')],
    fires: [{ '@network': attacker }],
  },
  {
    name: 'logins of nobody',
    events: spray(3, second, { reason: 'unknown_user', usr: { exists: false } }),
    fires: true,
  },
  { name: 'attempts that the throttle refused', events: spray(3, second, { reason: 'throttled' }), fires: true },
  { name: 'attempts that a block refused', events: spray(9, second, { reason: 'blocked' }), fires: false },
  { name: 'attempts that a full queue turned away', events: spray(9, second, { reason: 'busy' }), fires: false },
  {
    name: 'what a blocked network goes on trying keeps no alert alive: it recovers, and a second spray is a second alert',
    events: [
      ...spray(3, second),
      ...Array.from({ length: 30 }, (_, n) => sprayed(n, (n + 1) * 3 * minute, { reason: 'blocked' })),
      ...spray(3, second, {}, 2 * hour),
    ],
    fires: [{ '@network': attacker }, { '@network': attacker }],
  },
  {
    name: 'a spray from three addresses of one IPv6 network',
    events: Array.from({ length: 3 }, (_, n) => sprayed(n, n * second, addressFields(`2001:db8:0:0:${n + 1}::7`))),
    fires: [{ '@network': '2001:db8:0:0::/64' }],
  },
  {
    name: 'an IPv6 address',
    events: spray(3, second, addressFields('2001:db8::7')),
    fires: [{ '@network': '2001:db8:0:0::/64' }],
  },
  {
    name: 'an office behind one address, each mistyping a password of their own',
    events: Array.from({ length: 40 }, (_, n) => failure(n, n * 7 * second, addressFields(elsewhere))),
    fires: false,
  },
  {
    name: 'every risk that is not spray',
    events: Array.from({ length: 9 }, (_, n) =>
      sprayed(n, n * second, { risk: ['new_device', 'after_failures', 'travel', 'canary'] }),
    ),
    fires: false,
  },
  {
    name: 'sessions that came of it are not logins tried',
    events: Array.from(
      { length: 3 },
      (_, n): Event => ({
        ...request(n * second),
        ...{ evt: 'session', outcome: 'new', usr: { id: numbered.uuid(n) }, sid: numbered.sid(n), risk: ['spray'] },
      }),
    ),
    fires: false,
  },
  { name: 'the staging environment', events: spray(9, second, { env: 'staging' }), fires: false },
  { name: 'another service', events: spray(9, second, { service: 'another' }), fires: false },
  {
    name: 'attempts without a login are no further logins',
    events: spray(9, second).map((event) => without(event, 'login_hash')),
    fires: false,
  },
  {
    name: 'attempts without an address count for nobody',
    events: spray(9, second).map((event) => without(event, 'network')),
    fires: false,
    outsideContract: true,
  },
]
