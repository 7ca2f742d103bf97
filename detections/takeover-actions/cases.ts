import { after, type DetectionCase, numbered, type Proof, without } from '../../lab/datadog/testing.ts'
import { addressFields } from '../../shared/client/address.ts'
import type { Event } from '../../shared/event.ts'

type MfaChanged = Extract<Event, { evt: 'mfa'; outcome: 'success' | 'enabled' | 'disabled' }>
type CredentialChanged = Extract<Event, { evt: 'credential'; outcome: 'success' }>

const usr = { id: '0b7c3b0e-52b1-4d7a-8a8f-3d6d0f2c9a11' }
const thiefs = 'AAAAAAAAAAAAAAAAAAAAAA'
const other = 'BBBBBBBBBBBBBBBBBBBBBB'
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
  usr,
  sid: thiefs,
})

/** From a device that the account has known for a while, or has had from its beginning. */
const factor = (ms: number, outcome: MfaChanged['outcome'], change: Partial<MfaChanged> = {}): MfaChanged => ({
  ...request(ms),
  evt: 'mfa',
  outcome,
  ...change,
})

const credential = (ms: number, change: Partial<CredentialChanged> = {}): CredentialChanged => ({
  ...request(ms),
  evt: 'credential',
  outcome: 'success',
  action: 'password_changed',
  ...change,
})

/** From a device that the account has known for minutes. */
const onNewDevice = { risk: ['new_device' as const] }

/** What is logged when that device signs in. */
const signIn: Event[] = [
  { ...request(0), ...onNewDevice, evt: 'login', outcome: 'success', email: 'ann@example.test', device_known: false },
  { ...request(0), ...onNewDevice, evt: 'session', outcome: 'new' },
]

export const proof: Proof = {
  counts: (_i, afterMs, subject) => factor(afterMs, 'enabled', { ...onNewDevice, sid: numbered.sid(subject) }),
  equivalent: {
    'search: without @action:password_changed': 'by the contract, the only credential that changes is the password',
  },
}

export const cases: DetectionCase[] = [
  {
    name: 'an authenticator enrolled two minutes after the sign-in of a new device',
    events: [...signIn, factor(2 * minute, 'enabled', onNewDevice)],
    fires: [{ '@sid': thiefs }],
    transitions: [
      ['Triggered', 2 * minute],
      ['Recovered', 2 * minute + window],
    ],
  },
  {
    name: 'the owner’s authenticator turned off, and the thief’s turned on, is one alert',
    events: [factor(0, 'disabled', onNewDevice), factor(30 * second, 'enabled', onNewDevice)],
    fires: [{ '@sid': thiefs }],
    transitions: [
      ['Triggered', 0],
      ['Recovered', window + 30 * second],
    ],
  },
  {
    name: 'an authenticator turned off, and nothing else',
    events: [factor(0, 'disabled', onNewDevice)],
    fires: [{ '@sid': thiefs }],
  },
  {
    name: 'the password changed on a new device',
    events: [credential(0, onNewDevice)],
    fires: [{ '@sid': thiefs }],
    transitions: [
      ['Triggered', 0],
      ['Recovered', window],
    ],
  },
  {
    name: 'new_device among other risks, wherever it stands',
    events: [
      factor(0, 'enabled', { risk: ['travel', 'new_device'] }),
      credential(second, { sid: other, risk: ['new_device', 'after_failures'] }),
    ],
    fires: [{ '@sid': thiefs }, { '@sid': other }],
  },
  {
    name: 'a session that changes something again half an hour later is a second alert',
    events: [factor(0, 'enabled', onNewDevice), factor(2 * window, 'disabled', onNewDevice)],
    fires: [{ '@sid': thiefs }, { '@sid': thiefs }],
  },
  {
    name: 'a change 899,999 ms after another keeps the alert open',
    events: [factor(0, 'enabled', onNewDevice), factor(window - 1, 'disabled', onNewDevice)],
    fires: [{ '@sid': thiefs }],
    transitions: [
      ['Triggered', 0],
      ['Recovered', 2 * window - 1],
    ],
  },
  {
    name: 'the owner who changes the password beside the thief is no part of the alert',
    events: [factor(0, 'enabled', onNewDevice), credential(second, { sid: other })],
    fires: [{ '@sid': thiefs }],
  },
  {
    name: 'an owner who changes password and authenticator on the device of always',
    events: [credential(0), factor(second, 'disabled'), factor(2 * second, 'enabled')],
    fires: false,
  },
  {
    name: 'a newcomer who enrols at once: the account’s first device is not new to it',
    events: [...signIn.map((event) => without(event, 'risk')), factor(minute, 'enabled')],
    fires: false,
  },
  {
    name: 'an owner who signs in on a new phone with a code, and changes nothing',
    events: [...signIn, factor(second, 'success', onNewDevice)],
    fires: false,
  },
  {
    name: 'a thief who is told that the password is wrong has changed nothing',
    events: [1, 2, 3].map((at) => ({ ...credential(at * second, onNewDevice), outcome: 'fail' })),
    fires: false,
  },
  {
    name: 'every risk that is not a new device',
    events: [
      factor(0, 'enabled', { risk: ['after_failures', 'spray', 'travel', 'canary'] }),
      credential(second, { risk: ['travel'] }),
    ],
    fires: false,
  },
  {
    name: 'the staging environment',
    events: [factor(0, 'enabled', { ...onNewDevice, env: 'staging' })],
    fires: false,
  },
  {
    name: 'another service',
    events: [credential(0, { ...onNewDevice, service: 'another' })],
    fires: false,
  },
  {
    name: 'a password changed without a session counts for nobody',
    events: [without(credential(0, onNewDevice), 'sid')],
    fires: false,
  },
  {
    name: 'an action that is no change of a credential, and a change that is none of a factor',
    events: [
      { ...credential(0, onNewDevice), evt: 'session' },
      { ...factor(second, 'enabled', onNewDevice), evt: 'session' },
      { ...without(factor(2 * second, 'success'), 'risk'), verdict: ['new_device'] },
    ],
    fires: false,
    outsideContract: true,
  },
]
