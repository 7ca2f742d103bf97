import {
  type Kind,
  loginChallenged,
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

const travelled = (ms: number, change: Partial<Kind<'sessionChanged'>> = {}) =>
  sessionOpened(ms, { risk: ['travel'], ...change })

export const proof: Proof = {
  counts: (_i, afterMs, subject) => travelled(afterMs, { sid: numbered.sid(subject) }),
  almost: (_i, afterMs, subject) => sessionOpened(afterMs, { sid: numbered.sid(subject), risk: ['new_device'] }),
  equivalent: { 'search: without @evt:session': 'by the contract, new is an outcome of sessions alone' },
}

export const cases: DetectionCase[] = [
  {
    name: 'travel among other risks, wherever it stands',
    events: [
      travelled(0, { risk: ['new_device', 'travel'] }),
      travelled(SECOND, { sid: OTHER_SID, risk: ['travel', 'spray'] }),
    ],
    fires: [{ '@sid': SID }, { '@sid': OTHER_SID }],
  },
  {
    name: 'a thief who gives the password again to get another session',
    events: [travelled(0), travelled(SECOND, { sid: OTHER_SID }), sessionOpened(SECOND, { outcome: 'ended' })],
    fires: [{ '@sid': SID }, { '@sid': OTHER_SID }],
    transitions: [
      ['Triggered', 0],
      ['Triggered', SECOND],
      ['Recovered', 15 * MINUTE],
      ['Recovered', 15 * MINUTE + SECOND],
    ],
  },
  {
    name: 'the owner signing in at home beside the thief is no part of the alert',
    events: [sessionOpened(0, { sid: OTHER_SID }), travelled(SECOND), sessionOpened(2 * SECOND, { sid: OTHER_SID })],
    fires: [{ '@sid': SID }],
  },
  {
    name: 'an office signing in, new devices and all',
    events: repeat(sessionOpened, 40, 7 * SECOND, (i) => (i % 4 === 0 ? { risk: ['new_device'] } : {})),
    fires: false,
  },
  {
    name: 'every risk that is not travel',
    events: [sessionOpened(0, { risk: ['new_device', 'after_failures', 'spray', 'canary'] })],
    fires: false,
  },
  {
    name: 'a session that was renewed or ended there, and not opened',
    events: [travelled(0, { outcome: 'renewed' }), travelled(SECOND, { outcome: 'ended' })],
    fires: false,
  },
  {
    name: 'the sign-in beside it, and one that the second factor stopped: there is no session to contain',
    events: [loginSucceeded(0, { risk: ['travel'] }), loginChallenged(SECOND, { risk: ['travel'] })],
    fires: false,
  },
]
