import {
  credentialFailed,
  from,
  loginFailed,
  MINUTE,
  mfaFailed,
  numbered,
  OTHER_SID,
  passwordChanged,
  repeat,
  SECOND,
  SID,
  sessionOpened,
} from '../events.ts'
import type { DetectionCase, Proof } from '../harness.ts'

const of = (subject: number) => ({ sid: numbered.sid(subject), login_hash: numbered.hash(subject) })

export const proof: Proof = {
  counts: (i, afterMs, subject) => credentialFailed(afterMs, { request_id: numbered.uuid(i), ...of(subject) }),
  almost: (_i, afterMs, subject) => credentialFailed(afterMs, { reason: 'throttled', ...of(subject) }),
}

const fires = [{ '@sid': SID }]

export const cases: DetectionCase[] = [
  {
    name: 'two wrong passwords where it is given again, and two where it is changed, are four',
    events: repeat(credentialFailed, 4, SECOND, (i) => (i < 2 ? {} : { action: 'password_changed' })),
    fires,
  },
  {
    name: 'a patient thief: three guesses in each quarter of an hour, so that no limit is ever reached',
    events: [0, 16, 32].flatMap((at) => repeat(credentialFailed, 3, SECOND, {}, at * MINUTE)),
    fires,
  },
  {
    name: 'a thief who moves from network to network and from web to the API holds one session',
    events: repeat(credentialFailed, 4, MINUTE, (i) => ({
      ...from(numbered.ip(i)),
      via: i % 2 === 0 ? 'web' : 'api',
    })),
    fires,
  },
  {
    name: 'an owner who mistypes twice, gives the right one, and goes on in a new session',
    events: [
      ...repeat(credentialFailed, 2, 10 * SECOND),
      sessionOpened(25 * SECOND, { sid: OTHER_SID }),
      ...repeat(credentialFailed, 2, 10 * SECOND, { sid: OTHER_SID }, 30 * SECOND),
    ],
    fires: false,
  },
  {
    name: 'an owner whose new password is too weak again and again has given the right old one each time',
    events: repeat(credentialFailed, 9, 5 * SECOND, { action: 'password_changed', reason: 'weak_password' }),
    fires: false,
  },
  {
    name: 'three guesses and twenty that the throttle refused: strangers who use up the account’s tries end no session',
    events: repeat(credentialFailed, 23, SECOND, (i) => ({ reason: i < 3 ? 'wrong_password' : 'throttled' })),
    fires: false,
  },
  { name: 'a full queue is our fault', events: repeat(credentialFailed, 20, SECOND, { reason: 'busy' }), fires: false },
  {
    name: 'a hundred wrong passwords of strangers at the sign-in end no session',
    events: repeat(loginFailed, 100, SECOND),
    fires: false,
  },
  {
    name: 'wrong codes inside a session are no passwords',
    events: repeat(mfaFailed, 9, SECOND, { sid: SID }),
    fires: false,
  },
  { name: 'four changes of password', events: repeat(passwordChanged, 4, SECOND), fires: false },
  {
    name: 'a wrong password that is no failure of a credential',
    events: [{ evt: 'login' }, { outcome: 'success' }].flatMap((other) =>
      repeat(credentialFailed, 9, SECOND).map((each) => ({ ...each, ...other })),
    ),
    fires: false,
    outsideContract: true,
  },
]
