import {
  ANN,
  ATTACKER,
  callRefused,
  from,
  HOME,
  type Kind,
  MINUTE,
  mfaFailed,
  mfaPassed,
  numbered,
  repeat,
  SECOND,
  SID,
} from '../events.ts'
import type { DetectionCase, Proof } from '../harness.ts'

const replayed = (ms: number, change: Partial<Kind<'mfaFailed'>> = {}) =>
  mfaFailed(ms, { reason: 'replayed_code', ...from(HOME), ...change })

export const proof: Proof = {
  counts: (i, afterMs, subject) =>
    replayed(afterMs, { request_id: numbered.uuid(i), usr: { id: numbered.uuid(subject) } }),
  almost: (_i, afterMs, subject) => replayed(afterMs, { reason: 'expired', usr: { id: numbered.uuid(subject) } }),
}

const fires = [{ '@usr.id': ANN.id }]

export const cases: DetectionCase[] = [
  {
    name: 'the thief was faster, and the owner tries the code twice',
    events: [mfaPassed(0), replayed(5 * SECOND), replayed(12 * SECOND)],
    fires,
    transitions: [
      ['Triggered', 12 * SECOND],
      ['Recovered', 10 * MINUTE + 5 * SECOND],
    ],
  },
  {
    name: 'the owner was faster, and the thief tries the code twice, from two places',
    events: [
      mfaPassed(0, from(HOME)),
      replayed(5 * SECOND, from(ATTACKER)),
      replayed(6 * SECOND, { ...from('203.0.113.77'), device_hash: numbered.hash(1), via: 'api' }),
    ],
    fires,
  },
  {
    name: 'a code replayed where a session asks for it again',
    events: repeat(replayed, 2, SECOND, { sid: SID }),
    fires,
  },
  {
    name: 'one code for the laptop and the phone, then the next',
    events: [mfaPassed(0, from(HOME)), replayed(8 * SECOND), mfaPassed(35 * SECOND, from(HOME))],
    fires: false,
  },
  {
    name: 'one code typed twice, whose line the drain delivered twice: nobody is signed out for that',
    events: [mfaPassed(0, from(HOME)), ...Array(2).fill(replayed(8 * SECOND))],
    fires: false,
  },
  {
    name: 'an office where each of ten types one code twice',
    events: repeat(replayed, 10, SECOND, (i) => ({ usr: { id: numbered.uuid(i) } })),
    fires: false,
  },
  {
    name: 'one replay among slips, codes that came too late, and codes no longer read',
    events: [
      replayed(0),
      ...(['wrong_code', 'expired', 'too_many'] as const).flatMap((reason) => repeat(mfaFailed, 2, SECOND, { reason })),
    ],
    fires: false,
  },
  {
    name: 'a signed call that was replayed is no code',
    events: repeat(callRefused, 3, SECOND, { reason: 'replayed', route: 'POST /api/auth/mfa/verify' }),
    fires: false,
  },
  {
    name: 'a used code that is no failure of a second factor',
    events: [{ evt: 'credential' }, { outcome: 'success' }].flatMap((other) =>
      repeat(replayed, 3, SECOND).map((each) => ({ ...each, ...other })),
    ),
    fires: false,
    outsideContract: true,
  },
]
