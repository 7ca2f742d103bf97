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
const device = '0123456789abcdef0123456789abcdef'
const minute = 60_000

const request = (ms: number, ip: string) => ({
  timestamp: after(ms),
  level: 'warn' as const,
  service: 'mini-ato-saas',
  env: 'prod',
  ...addressFields(ip),
  user_agent: 'Mozilla/5.0 "quoted" \\ {{x}} $ALERT_ID',
  device_hash: device,
  via: 'web' as const,
  request_id: newRequestId(),
})

const failure = (ms: number, change: Partial<LoginFailed> = {}): LoginFailed => ({
  ...request(ms, attacker),
  evt: 'login',
  outcome: 'fail',
  reason: 'wrong_password',
  email: 'ann@example.test',
  ...change,
})

const success = (ms: number, ip: string): Event => ({
  ...request(ms, ip),
  level: 'info',
  evt: 'login',
  outcome: 'success',
  email: 'ann@example.test',
  usr: { id: '0b7c3b0e-52b1-4d7a-8a8f-3d6d0f2c9a11' },
  sid: 'AAAAAAAAAAAAAAAAAAAAAA',
  device_known: true,
})

/** So many failures, so many milliseconds apart, each against another account. */
const spray = (count: number, everyMs: number, change: Partial<LoginFailed> = {}, fromMs = 0) =>
  Array.from({ length: count }, (_, i) => failure(fromMs + i * everyMs, { email: `user${i}@example.test`, ...change }))

/** Forty people sign in within five minutes; every tenth mistypes the password once. */
const officeMorning = Array.from({ length: 40 }, (_, i) => [
  ...(i % 10 === 0 ? [failure(i * 7_000, addressFields(elsewhere))] : []),
  success(i * 7_000 + 3_000, elsewhere),
]).flat()

export const proof: Proof = {
  counts: (i, afterMs, subject) =>
    failure(afterMs, {
      request_id: numbered.uuid(i),
      email: `user${i}@example.test`,
      ...addressFields(numbered.ip(subject)),
    }),
}

export const cases: DetectionCase[] = [
  {
    name: 'eleven failures from one address, the last 299,999 ms after the first',
    events: [...spray(10, 1), failure(299_999)],
    fires: [{ '@network': attacker }],
    transitions: [
      ['Triggered', 299_999],
      ['Recovered', 300_000],
    ],
  },
  {
    name: 'eleven failures, the last 300,000 ms after the first',
    events: [...spray(10, 1), failure(300_000)],
    fires: false,
  },
  { name: 'ten failures from one address', events: spray(10, 1_000), fires: false },
  { name: 'eleven failures against one account', events: spray(11, 1_000, { email: 'ann@example.test' }), fires: true },
  {
    name: 'ten failures from each of two addresses',
    events: [...spray(10, 1_000), ...spray(10, 1_000, addressFields(elsewhere), 500)],
    fires: false,
  },
  {
    name: 'two addresses at once, each an alert of its own',
    events: [...spray(11, 1_000), ...spray(11, 1_000, addressFields(elsewhere), 500)],
    fires: [{ '@network': attacker }, { '@network': elsewhere }],
    transitions: [
      ['Triggered', 10_000],
      ['Triggered', 10_500],
      ['Recovered', 5 * minute],
      ['Recovered', 5 * minute + 500],
    ],
  },
  {
    name: 'an attack that goes on is one alert, until the address has rested',
    events: spray(100, 3_000),
    fires: [{ '@network': attacker }],
    transitions: [
      ['Triggered', 30_000],
      ['Recovered', 89 * 3_000 + 5 * minute],
    ],
  },
  {
    name: 'a second attack after a recovery is a second alert',
    events: [...spray(11, 1_000), ...spray(11, 1_000, {}, 10 * minute)],
    fires: [{ '@network': attacker }, { '@network': attacker }],
    transitions: [
      ['Triggered', 10_000],
      ['Recovered', 5 * minute],
      ['Triggered', 10 * minute + 10_000],
      ['Recovered', 15 * minute],
    ],
  },
  {
    name: 'failures that arrive out of order within the lateness',
    events: spray(11, 4_000).reverse(),
    fires: [{ '@network': attacker }],
    transitions: [
      ['Triggered', 40_000],
      ['Recovered', 5 * minute],
    ],
  },
  { name: 'attempts that the throttle refused', events: spray(11, 1_000, { reason: 'throttled' }), fires: true },
  {
    name: 'attempts for accounts that do not exist',
    events: spray(11, 1_000, { reason: 'unknown_user' }),
    fires: true,
  },
  { name: 'a network that is already blocked', events: spray(30, 1_000, { reason: 'blocked' }), fires: false },
  {
    name: 'attempts that a full queue turned away: that is our fault, not a wrong password',
    events: spray(30, 1_000, { reason: 'busy' }),
    fires: false,
  },
  {
    name: 'requests that could not be read try no password',
    events: spray(30, 1_000, { reason: 'malformed' }),
    fires: false,
  },
  {
    name: 'ten failures whose lines the drain delivered twice',
    events: spray(10, 1_000).flatMap((event) => [event, event]),
    fires: false,
  },
  {
    name: 'sixty accounts from sixty addresses of one IPv6 network: one subscriber',
    events: Array.from({ length: 60 }, (_, i) =>
      failure(i * 1_000, { email: `user${i}@example.test`, ...addressFields(`2001:db8:0:0:${i}::7`) }),
    ),
    fires: [{ '@network': '2001:db8:0:0::/64' }],
  },
  {
    name: 'ten failures from each of two IPv6 networks',
    events: ['2001:db8:0:1::7', '2001:db8:0:2::7'].flatMap((ip) => spray(10, 1_000, addressFields(ip))),
    fires: false,
  },
  {
    name: 'an attack from a network whose block does not stop it is told again every ten minutes',
    events: spray(1_200, 3_000),
    fires: [{ '@network': attacker }],
    transitions: alertLasting(30_000, 1_189 * 3_000 + 5 * minute),
  },
  {
    name: 'malformed and canary touches of a blocked network keep no alert alive',
    events: [
      ...spray(11, 1_000),
      ...Array.from({ length: 12 }, (_, i) =>
        failure((i + 1) * 100_000, i % 2 === 0 ? { reason: 'malformed' } : { reason: 'blocked', risk: ['canary'] }),
      ),
    ],
    fires: [{ '@network': attacker }],
    transitions: alertLasting(10_000, 5 * minute),
  },
  {
    name: 'an IPv6 address',
    events: spray(11, 1_000, addressFields('2001:db8::7')),
    fires: [{ '@network': '2001:db8:0:0::/64' }],
  },
  { name: 'an office behind one address signing in', events: officeMorning, fires: false },
  {
    name: 'eleven successes from one address',
    events: Array.from({ length: 11 }, (_, i) => success(i * 1_000, attacker)),
    fires: false,
  },
  { name: 'the staging environment', events: spray(30, 1_000, { env: 'staging' }), fires: false },
  { name: 'another service', events: spray(30, 1_000, { service: 'another' }), fires: false },
  {
    name: 'failures without an address count for nobody',
    events: spray(30, 1_000).map((event) => without(event, 'network')),
    fires: false,
    outsideContract: true,
  },
  {
    name: 'eleven wrong codes are no failed sign-ins',
    events: Array.from(
      { length: 11 },
      (_, i): Event => ({ ...request(i * 1_000, attacker), evt: 'mfa', outcome: 'fail', reason: 'wrong_code' }),
    ),
    fires: false,
  },
]
