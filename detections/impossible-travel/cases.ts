import { after, type DetectionCase, numbered, type Proof, without } from '../../lab/datadog/testing.ts'
import { addressFields } from '../../shared/client/address.ts'
import type { Event } from '../../shared/event.ts'

type SessionChanged = Extract<Event, { evt: 'session'; outcome: 'new' | 'renewed' | 'ended' }>

const thiefs = 'AAAAAAAAAAAAAAAAAAAAAA'
const other = 'BBBBBBBBBBBBBBBBBBBBBB'
const usr = { id: '0b7c3b0e-52b1-4d7a-8a8f-3d6d0f2c9a11' }
const second = 1_000
const minute = 60 * second
/** Longer than logs are late on a bad day: one event is enough, and it must not come after its window. */
const window = 15 * minute

const request = (ms: number) => ({
  timestamp: after(ms),
  level: 'info' as const,
  service: 'mini-ato-saas',
  env: 'prod',
  ...addressFields('203.0.113.200'),
  user_agent: 'Mozilla/5.0 "quoted" \\ {{x}} $ALERT_ID',
  device_hash: '0123456789abcdef0123456789abcdef',
  via: 'web' as const,
  request_id: '6f1c1a3e-8f5d-4a57-9f0e-2f1d2c3b4a59',
})

const opened = (ms: number, change: Partial<SessionChanged> = {}): SessionChanged => ({
  ...request(ms),
  evt: 'session',
  outcome: 'new',
  usr,
  sid: thiefs,
  ...change,
})

const travelled = (ms: number, change: Partial<SessionChanged> = {}) => opened(ms, { risk: ['travel'], ...change })

/** What is logged beside it. */
const login: Event = {
  ...request(0),
  evt: 'login',
  outcome: 'success',
  email: 'ann@example.test',
  usr,
  sid: thiefs,
  device_known: true,
  risk: ['travel'],
}

export const proof: Proof = {
  counts: (_i, afterMs, subject) => travelled(afterMs, { sid: numbered.sid(subject) }),
  equivalent: { 'search: without @evt:session': 'by the contract, new is an outcome of sessions alone' },
}

export const cases: DetectionCase[] = [
  {
    name: 'one sign-in that travelled',
    events: [travelled(0), login],
    fires: [{ '@sid': thiefs }],
    transitions: [
      ['Triggered', 0],
      ['Recovered', window],
    ],
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
    name: 'the thief who gives the password again to get another session',
    events: [travelled(0), travelled(second, { sid: other }), opened(second, { outcome: 'ended' })],
    fires: [{ '@sid': thiefs }, { '@sid': other }],
    transitions: [
      ['Triggered', 0],
      ['Triggered', second],
      ['Recovered', window],
      ['Recovered', window + second],
    ],
  },
  {
    name: 'the owner signing in at home beside the thief is no part of the alert',
    events: [opened(0, { sid: other }), travelled(second), opened(2 * second, { sid: other })],
    fires: [{ '@sid': thiefs }],
  },
  {
    name: 'one line that the drain delivers twice is one alert',
    events: [travelled(0), travelled(0)],
    fires: [{ '@sid': thiefs }],
    transitions: [
      ['Triggered', 0],
      ['Recovered', window],
    ],
  },
  {
    name: 'an office signing in, new devices and all',
    events: Array.from({ length: 40 }, (_, i) => opened(i * 7 * second, i % 4 === 0 ? { risk: ['new_device'] } : {})),
    fires: false,
  },
  {
    name: 'every risk that is not travel',
    events: [opened(0, { risk: ['new_device', 'after_failures', 'spray', 'canary'] })],
    fires: false,
  },
  {
    name: 'a session that was not opened there: renewed, or ended',
    events: [travelled(0, { outcome: 'renewed' }), travelled(second, { outcome: 'ended' })],
    fires: false,
  },
  {
    name: 'the login beside it counts for nothing: what needs no session contains none',
    events: [login],
    fires: false,
  },
  {
    name: 'a right password that the second factor stopped: there is no session to contain',
    events: [{ ...without(login, 'sid'), outcome: 'challenge' }],
    fires: false,
  },
  { name: 'the staging environment', events: [travelled(0, { env: 'staging' })], fires: false },
  { name: 'another service', events: [travelled(0, { service: 'another' })], fires: false },
  {
    name: 'a session without a name counts for nobody',
    events: [without(travelled(0), 'sid')],
    fires: false,
    outsideContract: true,
  },
  {
    name: 'travel as a field of another name',
    events: [{ ...opened(0), verdict: ['travel'] }],
    fires: false,
    outsideContract: true,
  },
]
