import { after, type DetectionCase } from '../../lab/datadog/testing.ts'
import type { Event } from '../../shared/event.ts'

type LoginSucceeded = Extract<Event, { evt: 'login'; outcome: 'success' }>
type Mfa = Extract<Event, { evt: 'mfa'; outcome: 'success' | 'enabled' | 'disabled' }>

const thiefs = 'AAAAAAAAAAAAAAAAAAAAAA'
const other = 'BBBBBBBBBBBBBBBBBBBBBB'
const usr = { id: '0b7c3b0e-52b1-4d7a-8a8f-3d6d0f2c9a11' }
const second = 1_000
const minute = 60 * second

const request = (ms: number) => ({
  timestamp: after(ms),
  level: 'info' as const,
  service: 'mini-ato-saas',
  env: 'prod',
  ip: '203.0.113.200',
  user_agent: 'Mozilla/5.0 "quoted" \\ {{x}} $ALERT_ID',
  device_hash: '0123456789abcdef0123456789abcdef',
  via: 'web' as const,
  request_id: '6f1c1a3e-8f5d-4a57-9f0e-2f1d2c3b4a59',
})

const login = (ms: number, change: Partial<LoginSucceeded> = {}): LoginSucceeded => ({
  ...request(ms),
  evt: 'login',
  outcome: 'success',
  email: 'ann@example.test',
  usr,
  sid: thiefs,
  device_known: true,
  ...change,
})

const travelled = (ms: number, change: Partial<LoginSucceeded> = {}) => login(ms, { risk: ['travel'], ...change })

const code = (ms: number, change: Partial<Mfa> = {}): Mfa => ({
  ...request(ms),
  evt: 'mfa',
  outcome: 'success',
  usr,
  sid: thiefs,
  ...change,
})

const challenge = (ms: number): Event => ({
  ...request(ms),
  evt: 'login',
  outcome: 'challenge',
  usr,
  device_known: false,
  risk: ['travel'],
})

const without = (event: object, field: string): object =>
  Object.fromEntries(Object.entries(event).filter(([name]) => name !== field))

export const cases: DetectionCase[] = [
  {
    name: 'one sign-in that travelled',
    events: [travelled(0)],
    fires: [{ '@sid': thiefs }],
    transitions: [
      ['Triggered', 0],
      ['Recovered', 5 * minute],
    ],
  },
  {
    name: 'a sign-in with a second factor, whose code travelled',
    events: [code(0, { risk: ['travel'] })],
    fires: [{ '@sid': thiefs }],
  },
  {
    name: 'travel among other risks, wherever it stands',
    events: [
      travelled(0, { risk: ['new_device', 'travel'] }),
      travelled(second, { sid: other, risk: ['travel', 'spray'] }),
    ],
    fires: [{ '@sid': thiefs }, { '@sid': other }],
  },
  {
    name: 'the thief signing in again is another session, and another alert',
    events: [travelled(0), travelled(second, { sid: other })],
    fires: [{ '@sid': thiefs }, { '@sid': other }],
    transitions: [
      ['Triggered', 0],
      ['Triggered', second],
      ['Recovered', 5 * minute],
      ['Recovered', 5 * minute + second],
    ],
  },
  {
    name: 'the owner signing in at home beside the thief is no part of the alert',
    events: [login(0, { sid: other }), travelled(second), login(2 * second, { sid: other })],
    fires: [{ '@sid': thiefs }],
  },
  {
    name: 'one line that the drain delivers twice is one alert',
    events: [travelled(0), travelled(0)],
    fires: [{ '@sid': thiefs }],
    transitions: [
      ['Triggered', 0],
      ['Recovered', 5 * minute],
    ],
  },
  {
    name: 'an office signing in, new devices and all',
    events: Array.from({ length: 40 }, (_, i) => login(i * 7 * second, i % 4 === 0 ? { risk: ['new_device'] } : {})),
    fires: false,
  },
  {
    name: 'every risk that is not travel',
    events: [login(0, { risk: ['new_device', 'after_failures', 'spray'] })],
    fires: false,
  },
  {
    name: 'a right password that the second factor stopped: there is no session to contain',
    events: [challenge(0)],
    fires: false,
  },
  {
    name: 'a second factor turned on or off is no sign-in',
    events: [code(0, { outcome: 'enabled' }), code(second, { outcome: 'disabled' })],
    fires: false,
  },
  { name: 'a code entered where the account is used', events: [code(0)], fires: false },
  { name: 'the staging environment', events: [travelled(0, { env: 'staging' })], fires: false },
  { name: 'another service', events: [travelled(0, { service: 'another' })], fires: false },
  {
    name: 'a failed sign-in, whatever it claims',
    events: [{ ...travelled(0), outcome: 'fail' }],
    fires: false,
    outsideContract: true,
  },
  {
    name: 'a sign-in without a session counts for nobody',
    events: [without(travelled(0), 'sid')],
    fires: false,
    outsideContract: true,
  },
  {
    name: 'travel as a field of another name',
    events: [{ ...login(0), verdict: ['travel'] }],
    fires: false,
    outsideContract: true,
  },
]
