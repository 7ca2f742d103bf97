import {
  ANN,
  from,
  HOME,
  type Kind,
  loginChallenged,
  MINUTE,
  mfaFailed,
  mfaPassed,
  numbered,
  repeat,
  SECOND,
  SID,
} from '../events.ts'
import type { DetectionCase, Proof } from '../harness.ts'

const guesses = (count: number, change: Partial<Kind<'mfaFailed'>> = {}, fromMs = 0) =>
  repeat(mfaFailed, count, SECOND, change, fromMs)
const inside: Partial<Kind<'mfaFailed'>> = { sid: SID, action: 'reauthenticated' }

export const proof: Proof = {
  counts: (i, afterMs, subject) =>
    mfaFailed(afterMs, { request_id: numbered.uuid(i), usr: { id: numbered.uuid(subject) } }),
  almost: (_i, afterMs, subject) =>
    mfaFailed(afterMs, { usr: { id: numbered.uuid(subject) }, sid: numbered.sid(subject) }),
}

const fires = [{ '@usr.id': ANN.id }]

export const cases: DetectionCase[] = [
  {
    name: 'one sign-in guessed at until it is thrown away: the sixth code is not read',
    events: [loginChallenged(0), ...guesses(5), mfaFailed(5 * SECOND, { reason: 'too_many' })],
    fires,
    transitions: [
      ['Triggered', 5 * SECOND],
      ['Recovered', 15 * MINUTE],
    ],
  },
  {
    name: 'three guesses at each of two sign-ins, the password given in between',
    events: [loginChallenged(0), ...guesses(3), loginChallenged(30 * SECOND), ...guesses(3, {}, 31 * SECOND)],
    fires,
  },
  {
    name: 'guesses from six addresses are guesses at one account',
    events: repeat(mfaFailed, 6, SECOND, (i) => from(numbered.ip(i))),
    fires,
  },
  { name: 'an account whose every further code is refused unread', events: guesses(6, { reason: 'too_many' }), fires },
  {
    name: 'five codes at the sign-in, and one more when it is asked for again inside',
    events: [...guesses(5), mfaFailed(5 * SECOND, inside)],
    fires,
  },
  {
    name: 'six codes where a stolen session is asked for its factor again, by a thief who has the password too',
    events: guesses(6, inside),
    fires,
  },
  {
    name: 'five codes of a phone whose clock is wrong, then the sixth fits',
    events: [loginChallenged(0), ...guesses(5), mfaPassed(MINUTE)],
    fires: false,
  },
  {
    name: 'an office behind one address, where each of ten mistypes three codes',
    events: Array.from({ length: 10 }, (_, i) =>
      guesses(3, { ...from(HOME), usr: { id: numbered.uuid(i) } }, i * 10 * SECOND),
    ).flat(),
    fires: false,
  },
  {
    name: 'five codes at the sign-in, and one more for a new authenticator inside',
    events: [...guesses(5), mfaFailed(5 * SECOND, { sid: SID })],
    fires: false,
  },
  {
    name: 'codes that came too late, or twice, were right once',
    events: [
      ...guesses(6, { reason: 'expired' }),
      ...guesses(6, { reason: 'replayed_code' }, 10 * SECOND),
      ...guesses(6, { reason: 'step_up' }, 20 * SECOND),
    ],
    fires: false,
  },
  { name: 'the password given ten times, and no code', events: repeat(loginChallenged, 10, SECOND), fires: false },
  { name: 'ten codes that are right', events: repeat(mfaPassed, 10, 31 * SECOND), fires: false },
  {
    name: 'a wrong code that is no failure of a second factor',
    events: [{ evt: 'credential' }, { outcome: 'success' }].flatMap((other) =>
      guesses(6).map((each) => ({ ...each, ...other })),
    ),
    fires: false,
    outsideContract: true,
  },
]
