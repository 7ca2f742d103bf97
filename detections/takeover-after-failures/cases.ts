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
  ...addressFields('203.0.113.9'),
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

/** After five failures or more, on a device that the account had never known. */
const guessed = (ms: number, change: Partial<SessionChanged> = {}) =>
  opened(ms, { risk: ['after_failures', 'new_device'], ...change })

const wrong = (count: number, everyMs: number): Event[] =>
  Array.from({ length: count }, (_, i) => ({
    ...request(i * everyMs),
    level: 'warn',
    evt: 'login',
    outcome: 'fail',
    reason: 'wrong_password',
    email: 'ann@example.test',
    usr: { ...usr, exists: true },
  }))

/** What is logged beside the session. */
const login = (ms: number, outcome: 'success' | 'challenge'): Event => {
  const attempt = {
    ...request(ms),
    evt: 'login' as const,
    email: 'ann@example.test',
    usr,
    device_known: false,
    risk: ['after_failures' as const],
  }
  return outcome === 'success' ? { ...attempt, outcome, sid: thiefs } : { ...attempt, outcome }
}

export const proof: Proof = {
  counts: (_i, afterMs, subject) => guessed(afterMs, { sid: numbered.sid(subject) }),
  equivalent: { 'search: without @evt:session': 'by the contract, new is an outcome of sessions alone' },
}

export const cases: DetectionCase[] = [
  {
    name: 'six guesses and then the right password, on a device that the account never had',
    events: [...wrong(6, 10 * second), guessed(minute), login(minute, 'success')],
    fires: [{ '@sid': thiefs }],
    transitions: [
      ['Triggered', minute],
      ['Recovered', minute + window],
    ],
  },
  {
    name: 'after failures among other risks, wherever it stands',
    events: [guessed(0), guessed(second, { sid: other, risk: ['travel', 'spray', 'after_failures'] })],
    fires: [{ '@sid': thiefs }, { '@sid': other }],
  },
  {
    name: 'the thief who signs in again gets another session, and another alert',
    events: [guessed(0), guessed(10 * second, { sid: other })],
    fires: [{ '@sid': thiefs }, { '@sid': other }],
    transitions: [
      ['Triggered', 0],
      ['Triggered', 10 * second],
      ['Recovered', window],
      ['Recovered', window + 10 * second],
    ],
  },
  {
    name: 'the owner who signs in beside the thief is no part of the alert',
    events: [opened(0, { sid: other }), guessed(second), opened(2 * second, { sid: other })],
    fires: [{ '@sid': thiefs }],
  },
  {
    name: 'one line that the drain delivers twice is one alert',
    events: [guessed(0), guessed(0)],
    fires: [{ '@sid': thiefs }],
    transitions: [
      ['Triggered', 0],
      ['Recovered', window],
    ],
  },
  {
    name: 'the owner who mistypes six times on the laptop as ever: the app says nothing, nor does the monitor',
    events: [...wrong(6, 10 * second), opened(minute)],
    fires: false,
  },
  { name: 'fifty guesses that never fit', events: wrong(50, 20 * second), fires: false },
  {
    name: 'a new phone, right at the first try',
    events: [opened(0, { risk: ['new_device'] })],
    fires: false,
  },
  {
    name: 'every risk that is not after failures',
    events: [opened(0, { risk: ['new_device', 'spray', 'travel', 'canary'] })],
    fires: false,
  },
  {
    name: 'a session that was not opened then: renewed, or ended',
    events: [guessed(0, { outcome: 'renewed' }), guessed(second, { outcome: 'ended' })],
    fires: false,
  },
  {
    name: 'the login beside it counts for nothing: what needs no session contains none',
    events: [...wrong(6, second), login(minute, 'success')],
    fires: false,
  },
  {
    name: 'a guessed password that the second factor stopped: there is no session to contain',
    events: [...wrong(6, second), login(minute, 'challenge')],
    fires: false,
  },
  { name: 'the staging environment', events: [guessed(0, { env: 'staging' })], fires: false },
  { name: 'another service', events: [guessed(0, { service: 'another' })], fires: false },
  {
    name: 'a session without a name counts for nobody',
    events: [without(guessed(0), 'sid')],
    fires: false,
    outsideContract: true,
  },
  {
    name: 'the verdict in a field of another name',
    events: [{ ...opened(0), verdict: ['after_failures'] }],
    fires: false,
    outsideContract: true,
  },
]
