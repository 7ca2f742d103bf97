import {
  type Kind,
  loginChallenged,
  loginFailed,
  loginSucceeded,
  MINUTE,
  numbered,
  OTHER_SID,
  repeat,
  SECOND,
  SID,
  sessionOpened,
} from '../events.ts'
import type { DetectionCase, Proof } from '../harness.ts'

/** After five failures or more, on a device that the account had never known. */
const guessed = (ms: number, change: Partial<Kind<'sessionChanged'>> = {}) =>
  sessionOpened(ms, { risk: ['after_failures', 'new_device'], ...change })
const sixFailures = repeat(loginFailed, 6, 10 * SECOND)

export const proof: Proof = {
  counts: (_i, afterMs, subject) => guessed(afterMs, { sid: numbered.sid(subject) }),
  almost: (_i, afterMs, subject) => guessed(afterMs, { sid: numbered.sid(subject), outcome: 'renewed' }),
  equivalent: { 'search: without @evt:session': 'by the contract, new is an outcome of sessions alone' },
}

export const cases: DetectionCase[] = [
  {
    name: 'six guesses and then the right password, on a device that the account never had',
    events: [...sixFailures, guessed(MINUTE), loginSucceeded(MINUTE, { risk: ['after_failures'] })],
    fires: [{ '@sid': SID }],
    transitions: [
      ['Triggered', MINUTE],
      ['Recovered', 16 * MINUTE],
    ],
  },
  {
    name: 'after failures among other risks, wherever it stands',
    events: [guessed(0), guessed(SECOND, { sid: OTHER_SID, risk: ['travel', 'spray', 'after_failures'] })],
    fires: [{ '@sid': SID }, { '@sid': OTHER_SID }],
  },
  {
    name: 'the owner who signs in beside the thief is no part of the alert',
    events: [sessionOpened(0, { sid: OTHER_SID }), guessed(SECOND), sessionOpened(2 * SECOND, { sid: OTHER_SID })],
    fires: [{ '@sid': SID }],
  },
  {
    name: 'an owner who mistypes six times on the usual laptop: the app flags nothing',
    events: [...sixFailures, sessionOpened(MINUTE)],
    fires: false,
  },
  { name: 'fifty guesses that are all wrong', events: repeat(loginFailed, 50, 20 * SECOND), fires: false },
  { name: 'a new phone, right at the first try', events: [sessionOpened(0, { risk: ['new_device'] })], fires: false },
  {
    name: 'every risk that is not after failures',
    events: [sessionOpened(0, { risk: ['new_device', 'spray', 'travel', 'canary'] })],
    fires: false,
  },
  {
    name: 'the sign-in beside it, and one that the second factor stopped: there is no session to contain',
    events: [
      ...sixFailures,
      loginSucceeded(MINUTE, { risk: ['after_failures'] }),
      loginChallenged(2 * MINUTE, { risk: ['after_failures'] }),
    ],
    fires: false,
  },
]
