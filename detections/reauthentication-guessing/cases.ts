import { after, type DetectionCase, newRequestId, numbered, type Proof, without } from '../../lab/datadog/testing.ts'
import { addressFields } from '../../shared/client/address.ts'
import type { Event } from '../../shared/event.ts'

type Credential = Extract<Event, { evt: 'credential'; outcome: 'fail' }>

const usr = { id: '0b7c3b0e-52b1-4d7a-8a8f-3d6d0f2c9a11' }
const stolen = 'AAAAAAAAAAAAAAAAAAAAAA'
const other = 'BBBBBBBBBBBBBBBBBBBBBB'
const second = 1_000
const minute = 60 * second
const hour = 60 * minute

const request = (ms: number) => ({
  timestamp: after(ms),
  level: 'info' as const,
  service: 'mini-ato-saas',
  env: 'prod',
  ...addressFields('203.0.113.9'),
  user_agent: 'Mozilla/5.0 "quoted" \\ {{x}} $ALERT_ID',
  device_hash: '0123456789abcdef0123456789abcdef',
  via: 'web' as const,
  request_id: newRequestId(),
})

const wrong = (ms: number, change: Partial<Credential> = {}): Credential => ({
  ...request(ms),
  evt: 'credential',
  outcome: 'fail',
  action: 'reauthenticated',
  reason: 'wrong_password',
  login_hash: numbered.hash(1),
  usr,
  sid: stolen,
  ...change,
})

const guesses = (count: number, everyMs: number, change: Partial<Credential> = {}, fromMs = 0) =>
  Array.from({ length: count }, (_, i) => wrong(fromMs + i * everyMs, change))

const renamed = (ms: number): Event => ({ ...request(ms), evt: 'session', outcome: 'new', usr, sid: other })

export const proof: Proof = {
  counts: (i, afterMs, subject) => wrong(afterMs, { request_id: numbered.uuid(i), sid: numbered.sid(subject) }),
}

export const cases: DetectionCase[] = [
  {
    name: 'four wrong passwords where a session gives it again',
    events: guesses(4, 5 * second),
    fires: [{ '@sid': stolen }],
    transitions: [
      ['Triggered', 15 * second],
      ['Recovered', hour],
    ],
  },
  {
    name: 'two wrong passwords there, and two where the password is changed, are four',
    events: [...guesses(2, second), ...guesses(2, second, { action: 'password_changed' }, 2 * second)],
    fires: [{ '@sid': stolen }],
  },
  {
    name: 'the fourth 3,599,999 ms after the first',
    events: [...guesses(3, 1), wrong(hour - 1)],
    fires: [{ '@sid': stolen }],
    transitions: [
      ['Triggered', hour - 1],
      ['Recovered', hour],
    ],
  },
  { name: 'the fourth a full hour after the first', events: [...guesses(3, 1), wrong(hour)], fires: false },
  {
    name: 'a patient thief: three guesses in each quarter of an hour, so that no limit is ever reached',
    events: [0, 16, 32].flatMap((at) => guesses(3, second, {}, at * minute)),
    fires: [{ '@sid': stolen }],
  },
  {
    name: 'a thief who moves from network to network and from web to the API holds one session',
    events: Array.from({ length: 4 }, (_, i) =>
      wrong(i * minute, { ...addressFields(numbered.ip(i)), via: i % 2 === 0 ? 'web' : 'api' }),
    ),
    fires: [{ '@sid': stolen }],
  },
  {
    name: 'two stolen sessions, each an alert of its own',
    events: [stolen, other].flatMap((sid) => guesses(4, second, { sid })),
    fires: [{ '@sid': stolen }, { '@sid': other }],
  },
  {
    name: 'an owner who mistypes twice, gives the right one, and goes on under a new name',
    events: [...guesses(2, 10 * second), renamed(25 * second), ...guesses(2, 10 * second, { sid: other }, 30 * second)],
    fires: false,
  },
  { name: 'three slips within a minute', events: guesses(3, 20 * second), fires: false },
  {
    name: 'three slips whose lines the drain delivered twice',
    events: guesses(3, second).flatMap((event) => [event, event]),
    fires: false,
  },
  {
    name: 'an owner whose new password is too weak again and again has given the right old one each time',
    events: guesses(9, 5 * second, { action: 'password_changed', reason: 'weak_password' }),
    fires: false,
  },
  {
    name: 'what the throttle refused was not read: strangers who use up the account’s tries end no session',
    events: [...guesses(3, second), ...guesses(20, second, { reason: 'throttled' }, 3 * second)],
    fires: false,
  },
  {
    name: 'a full queue is our fault',
    events: guesses(20, second, { reason: 'busy' }),
    fires: false,
  },
  {
    name: 'a hundred wrong passwords of strangers at the sign-in end no session',
    events: Array.from(
      { length: 100 },
      (_, i): Event => ({
        ...request(i * second),
        ...{ evt: 'login', outcome: 'fail', reason: 'wrong_password', login_hash: numbered.hash(1) },
        usr: { ...usr, exists: true },
      }),
    ),
    fires: false,
  },
  {
    name: 'wrong codes inside a session are no passwords',
    events: Array.from(
      { length: 9 },
      (_, i): Event => ({
        ...request(i * second),
        evt: 'mfa',
        outcome: 'fail',
        reason: 'wrong_code',
        usr,
        sid: stolen,
      }),
    ),
    fires: false,
  },
  {
    name: 'four passwords that were right',
    events: guesses(4, second, { action: 'password_changed' }).map((event) => ({ ...event, outcome: 'success' })),
    fires: false,
    outsideContract: true,
  },
  {
    name: 'another event that failed for a wrong password and names a session',
    events: guesses(9, second).map((event) => ({ ...event, evt: 'login' })),
    fires: false,
    outsideContract: true,
  },
  { name: 'the staging environment', events: guesses(9, second, { env: 'staging' }), fires: false },
  { name: 'another service', events: guesses(9, second, { service: 'another' }), fires: false },
  {
    name: 'guesses without a session count for none',
    events: guesses(9, second).map((event) => without(event, 'sid')),
    fires: false,
  },
]
