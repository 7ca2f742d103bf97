import {
  type Kind,
  loginSucceeded,
  MINUTE,
  mfaPassed,
  numbered,
  OTHER_SID,
  passwordChanged,
  repeat,
  SECOND,
  SID,
  sessionOpened,
  without,
} from '../events.ts'
import type { DetectionCase, Proof } from '../harness.ts'

type Change = Partial<Kind<'mfa'>>
const enrolled = (ms: number, change: Change = {}) => mfaPassed(ms, { outcome: 'enabled', ...change })
const dropped = (ms: number, change: Change = {}) => mfaPassed(ms, { outcome: 'disabled', ...change })
/** From a device that the account has known for minutes. */
const onNewDevice: { risk: ['new_device'] } = { risk: ['new_device'] }

export const proof: Proof = {
  counts: (_i, afterMs, subject) => enrolled(afterMs, { ...onNewDevice, sid: numbered.sid(subject) }),
  almost: (_i, afterMs, subject) => enrolled(afterMs, { sid: numbered.sid(subject) }),
  equivalent: {
    'search: without @action:password_changed': 'by the contract, the only credential that changes is the password',
  },
}

const fires = [{ '@sid': SID }]

export const cases: DetectionCase[] = [
  {
    name: 'an authenticator enrolled two minutes after the sign-in of a new device',
    events: [
      loginSucceeded(0, { ...onNewDevice, device_known: false }),
      sessionOpened(0, onNewDevice),
      enrolled(2 * MINUTE, onNewDevice),
    ],
    fires,
    transitions: [
      ['Triggered', 2 * MINUTE],
      ['Recovered', 17 * MINUTE],
    ],
  },
  {
    name: 'the owner’s authenticator turned off, and the thief’s turned on, is one alert',
    events: [dropped(0, onNewDevice), enrolled(30 * SECOND, onNewDevice)],
    fires,
    transitions: [
      ['Triggered', 0],
      ['Recovered', 15 * MINUTE + 30 * SECOND],
    ],
  },
  {
    name: 'new_device among other risks, wherever it stands',
    events: [
      enrolled(0, { risk: ['travel', 'new_device'] }),
      passwordChanged(SECOND, { sid: OTHER_SID, risk: ['new_device', 'after_failures'] }),
    ],
    fires: [...fires, { '@sid': OTHER_SID }],
  },
  {
    name: 'the owner who changes the password beside the thief is no part of the alert',
    events: [enrolled(0, onNewDevice), passwordChanged(SECOND, { sid: OTHER_SID })],
    fires,
  },
  {
    name: 'an owner who changes password and authenticator on the usual device',
    events: [passwordChanged(0), dropped(SECOND), enrolled(2 * SECOND)],
    fires: false,
  },
  {
    name: 'a newcomer who enrols at once: the account’s first device is not new to it',
    events: [loginSucceeded(0), sessionOpened(0), enrolled(MINUTE)],
    fires: false,
  },
  {
    name: 'an owner who signs in on a new phone with a code, and changes nothing',
    events: [
      loginSucceeded(0, { ...onNewDevice, device_known: false }),
      sessionOpened(0, onNewDevice),
      mfaPassed(SECOND, onNewDevice),
    ],
    fires: false,
  },
  {
    name: 'a thief whose current password is wrong has changed nothing',
    events: repeat(passwordChanged, 3, SECOND, onNewDevice).map((each) => ({
      ...each,
      outcome: 'fail',
      reason: 'wrong_password',
    })),
    fires: false,
  },
  {
    name: 'every risk that is not a new device',
    events: [
      enrolled(0, { risk: ['after_failures', 'spray', 'travel', 'canary'] }),
      passwordChanged(SECOND, { risk: ['travel'] }),
    ],
    fires: false,
  },
  {
    name: 'a password changed without a session counts for nobody',
    events: [without(passwordChanged(0, onNewDevice), 'sid')],
    fires: false,
  },
  {
    name: 'an action that changes no credential, and a change that affects no factor',
    events: [passwordChanged(0, onNewDevice), enrolled(SECOND, onNewDevice)].map((each) => ({
      ...each,
      evt: 'session',
    })),
    fires: false,
    outsideContract: true,
  },
]
