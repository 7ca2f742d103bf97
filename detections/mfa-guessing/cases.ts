import { after, type DetectionCase, newRequestId, numbered, type Proof, without } from '../../lab/datadog/testing.ts'
import { addressFields } from '../../shared/client/address.ts'
import type { Event } from '../../shared/event.ts'

type MfaFailed = Extract<Event, { evt: 'mfa'; outcome: 'fail' }>

const ann = { id: '0b7c3b0e-52b1-4d7a-8a8f-3d6d0f2c9a11' }
const bob = { id: '1c8d4c1f-63c2-4e8b-9b90-4e7e1a3dab22' }
const sid = 'AAAAAAAAAAAAAAAAAAAAAA'
const elsewhere = '198.51.100.7'
const second = 1_000
const minute = 60 * second

const request = (ms: number) => ({
  timestamp: after(ms),
  service: 'mini-ato-saas',
  env: 'prod',
  ...addressFields('203.0.113.9'),
  user_agent: 'Mozilla/5.0 "quoted" \\ {{x}} $ALERT_ID',
  device_hash: '0123456789abcdef0123456789abcdef',
  via: 'web' as const,
  request_id: newRequestId(),
})

const refused = (ms: number, change: Partial<MfaFailed> = {}): MfaFailed => ({
  ...request(ms),
  level: 'warn',
  evt: 'mfa',
  outcome: 'fail',
  reason: 'wrong_code',
  usr: ann,
  ...change,
})

const guesses = (count: number, change: Partial<MfaFailed> = {}, fromMs = 0) =>
  Array.from({ length: count }, (_, i) => refused(fromMs + i * second, change))

/** Five codes, and the sixth ends the sign-in that waited for one: the password has to be given again. */
const pendingSpent = (fromMs = 0) => [...guesses(5, {}, fromMs), refused(fromMs + 5 * second, { reason: 'too_many' })]

const passed = (ms: number): Event => ({ ...request(ms), level: 'info', evt: 'mfa', outcome: 'success', usr: ann, sid })

const challenged = (ms: number): Event => ({
  ...request(ms),
  level: 'info',
  evt: 'login',
  outcome: 'challenge',
  email: 'ann@example.test',
  usr: ann,
  device_known: false,
})

export const proof: Proof = {
  counts: (i, afterMs, subject) =>
    refused(afterMs, { request_id: numbered.uuid(i), usr: { id: numbered.uuid(subject) } }),
}

export const cases: DetectionCase[] = [
  {
    name: 'one sign-in guessed at until it is thrown away',
    events: [challenged(0), ...pendingSpent()],
    fires: [{ '@usr.id': ann.id }],
    transitions: [
      ['Triggered', 5 * second],
      ['Recovered', 15 * minute],
    ],
  },
  {
    name: 'three guesses at each of two sign-ins, the password given in between',
    events: [challenged(0), ...guesses(3), challenged(30 * second), ...guesses(3, {}, 31 * second)],
    fires: [{ '@usr.id': ann.id }],
  },
  {
    name: 'guesses from six addresses are guesses at one account',
    events: guesses(6).map((event, i) => ({ ...event, ...addressFields(numbered.ip(i)) })),
    fires: [{ '@usr.id': ann.id }],
  },
  {
    name: 'six codes, the last 899,999 ms after the first',
    events: [...guesses(5), refused(15 * minute - 1)],
    fires: [{ '@usr.id': ann.id }],
    transitions: [
      ['Triggered', 15 * minute - 1],
      ['Recovered', 15 * minute],
    ],
  },
  {
    name: 'six codes, the last 900,000 ms after the first',
    events: [...guesses(5), refused(15 * minute)],
    fires: false,
  },
  {
    name: 'an account whose every further code is refused unread',
    events: guesses(6, { reason: 'too_many' }),
    fires: true,
  },
  {
    name: 'guessing that goes on for an hour is one alert',
    events: Array.from({ length: 60 }, (_, i) => refused(i * minute)),
    fires: [{ '@usr.id': ann.id }],
    transitions: [
      ['Triggered', 5 * minute],
      ['Recovered', 69 * minute],
    ],
  },
  {
    name: 'guessing taken up again after half an hour is a second alert',
    events: [...pendingSpent(), ...pendingSpent(30 * minute)],
    fires: [{ '@usr.id': ann.id }, { '@usr.id': ann.id }],
    transitions: [
      ['Triggered', 5 * second],
      ['Recovered', 15 * minute],
      ['Triggered', 30 * minute + 5 * second],
      ['Recovered', 45 * minute],
    ],
  },
  {
    name: 'two accounts guessed at by one thief are two alerts',
    events: [ann, bob].flatMap((usr) => guesses(6, { usr })),
    fires: [{ '@usr.id': ann.id }, { '@usr.id': bob.id }],
  },
  {
    name: 'five codes of a phone whose clock is wrong, then the sixth fits',
    events: [challenged(0), ...guesses(5), passed(60 * second)],
    fires: false,
  },
  {
    name: 'four slips, each on another device of the same person, and in',
    events: [...guesses(4).map((event, i) => ({ ...event, device_hash: numbered.hash(i) })), passed(60 * second)],
    fires: false,
  },
  {
    name: 'an office behind one address, where each of ten mistypes three codes',
    events: Array.from({ length: 10 }, (_, i) =>
      guesses(3, { ...addressFields(elsewhere), usr: { id: numbered.uuid(i) } }, i * 10 * second),
    ).flat(),
    fires: false,
  },
  {
    name: 'six codes mistyped by somebody signed in, who sets up an authenticator',
    events: guesses(6, { sid }),
    fires: false,
  },
  {
    name: 'six codes where a stolen session is asked for its factor again, by a thief who has the password too',
    events: guesses(6, { sid, action: 'reauthenticated' }),
    fires: [{ '@usr.id': ann.id }],
  },
  {
    name: 'five codes at the sign-in, and one more when it is asked for again inside',
    events: [...guesses(5), refused(5 * second, { sid, action: 'reauthenticated' })],
    fires: [{ '@usr.id': ann.id }],
  },
  {
    name: 'five codes at the sign-in, and one more for a new authenticator inside',
    events: [...guesses(5), refused(5 * second, { sid })],
    fires: false,
  },
  {
    name: 'five codes whose lines the drain delivered twice',
    events: guesses(5).flatMap((event) => [event, event]),
    fires: false,
  },
  {
    name: 'codes that came too late, or twice, were right once',
    events: [
      ...guesses(6, { reason: 'expired' }),
      ...guesses(6, { reason: 'replayed_code' }, 10 * second),
      ...guesses(6, { reason: 'step_up' }, 20 * second),
    ],
    fires: false,
  },
  {
    name: 'the password given ten times, and no code',
    events: Array.from({ length: 10 }, (_, i) => challenged(i * second)),
    fires: false,
  },
  {
    name: 'ten codes that are right',
    events: Array.from({ length: 10 }, (_, i) => passed(i * 31 * second)),
    fires: false,
  },
  { name: 'the staging environment', events: guesses(6, { env: 'staging' }), fires: false },
  { name: 'another service', events: guesses(6, { service: 'another' }), fires: false },
  {
    name: 'codes for nobody that is known count for nobody',
    events: guesses(6).map((event) => without(event, 'usr')),
    fires: false,
  },
  {
    name: 'a wrong code that is no failure of a second factor',
    events: [
      ...guesses(6).map((event) => ({ ...event, evt: 'credential' })),
      ...guesses(6).map((event) => ({ ...event, outcome: 'success' })),
    ],
    fires: false,
    outsideContract: true,
  },
]
