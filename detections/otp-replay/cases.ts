import { after, type DetectionCase, newRequestId, numbered, type Proof, without } from '../../lab/datadog/testing.ts'
import { addressFields } from '../../shared/client/address.ts'
import type { Event } from '../../shared/event.ts'

type MfaFailed = Extract<Event, { evt: 'mfa'; outcome: 'fail' }>

const ann = { id: '0b7c3b0e-52b1-4d7a-8a8f-3d6d0f2c9a11' }
const bob = { id: '1c8d4c1f-63c2-4e8b-9b90-4e7e1a3dab22' }
const thiefs = 'AAAAAAAAAAAAAAAAAAAAAA'
const home = '198.51.100.7'
const second = 1_000
const minute = 60 * second

const request = (ms: number) => ({
  timestamp: after(ms),
  service: 'mini-ato-saas',
  env: 'prod',
  ...addressFields(home),
  user_agent: 'Mozilla/5.0 "quoted" \\ {{x}} $ALERT_ID',
  device_hash: '0123456789abcdef0123456789abcdef',
  via: 'web' as const,
  request_id: newRequestId(),
})

const replayed = (ms: number, change: Partial<MfaFailed> = {}): MfaFailed => ({
  ...request(ms),
  level: 'warn',
  evt: 'mfa',
  outcome: 'fail',
  reason: 'replayed_code',
  usr: ann,
  ...change,
})

/** Somebody gives the code for the first time. */
const passed = (ms: number, ip: string): Event => ({
  ...request(ms),
  ...addressFields(ip),
  level: 'info',
  evt: 'mfa',
  outcome: 'success',
  usr: ann,
  sid: thiefs,
})

export const proof: Proof = {
  counts: (i, afterMs, subject) =>
    replayed(afterMs, { request_id: numbered.uuid(i), usr: { id: numbered.uuid(subject) } }),
}

export const cases: DetectionCase[] = [
  {
    name: 'the thief was faster, and the owner tries the code twice',
    events: [passed(0, '203.0.113.9'), replayed(5 * second), replayed(12 * second)],
    fires: [{ '@usr.id': ann.id }],
    transitions: [
      ['Triggered', 12 * second],
      ['Recovered', 10 * minute + 5 * second],
    ],
  },
  {
    name: 'the owner was faster, and the thief tries the code twice',
    events: [passed(0, home), ...[5, 6].map((at) => replayed(at * second, addressFields('203.0.113.9')))],
    fires: [{ '@usr.id': ann.id }],
  },
  {
    name: 'two replays from two places are two all the same',
    events: [
      replayed(0),
      replayed(second, { ...addressFields('203.0.113.9'), device_hash: numbered.hash(1), via: 'api' }),
    ],
    fires: [{ '@usr.id': ann.id }],
  },
  {
    name: 'two replays 599,999 ms apart',
    events: [replayed(0), replayed(10 * minute - 1)],
    fires: [{ '@usr.id': ann.id }],
    transitions: [
      ['Triggered', 10 * minute - 1],
      ['Recovered', 10 * minute],
    ],
  },
  { name: 'two replays 600,000 ms apart', events: [replayed(0), replayed(10 * minute)], fires: false },
  {
    name: 'the owner who goes on trying is the same alert',
    events: Array.from({ length: 5 }, (_, i) => replayed(i * 5 * second)),
    fires: [{ '@usr.id': ann.id }],
    transitions: [
      ['Triggered', 5 * second],
      ['Recovered', 10 * minute + 15 * second],
    ],
  },
  {
    name: 'the owner phished a second time after an hour is a second alert',
    events: [0, 60 * minute].flatMap((from) => [replayed(from), replayed(from + second)]),
    fires: [{ '@usr.id': ann.id }, { '@usr.id': ann.id }],
    transitions: [
      ['Triggered', second],
      ['Recovered', 10 * minute],
      ['Triggered', 60 * minute + second],
      ['Recovered', 70 * minute],
    ],
  },
  {
    name: 'two people phished by one page are two alerts',
    events: [ann, bob].flatMap((usr) => [replayed(0, { usr }), replayed(second, { usr })]),
    fires: [{ '@usr.id': ann.id }, { '@usr.id': bob.id }],
  },
  {
    name: 'a code replayed where a session asks for it again',
    events: [replayed(0, { sid: thiefs }), replayed(second, { sid: thiefs })],
    fires: [{ '@usr.id': ann.id }],
  },
  {
    name: 'one code for the laptop and the phone, then the next',
    events: [passed(0, home), replayed(8 * second), passed(35 * second, home)],
    fires: false,
  },
  {
    name: 'one code typed twice, whose line the drain delivered twice: nobody is signed out for that',
    events: [passed(0, home), ...Array(2).fill(replayed(8 * second))],
    fires: false,
  },
  {
    name: 'an office where each of ten types one code twice',
    events: Array.from({ length: 10 }, (_, i) => replayed(i * second, { usr: { id: numbered.uuid(i) } })),
    fires: false,
  },
  {
    name: 'one replay among slips, codes that came too late, and codes no longer read',
    events: [
      replayed(0),
      ...(['wrong_code', 'expired', 'too_many'] as const).flatMap((reason, at) =>
        [1, 2].map((n) => replayed((3 * at + n) * second, { reason })),
      ),
    ],
    fires: false,
  },
  { name: 'the staging environment', events: [0, 1, 2].map((at) => replayed(at, { env: 'staging' })), fires: false },
  { name: 'another service', events: [0, 1, 2].map((at) => replayed(at, { service: 'another' })), fires: false },
  {
    name: 'replays for nobody that is known count for nobody',
    events: [0, 1, 2].map((at) => without(replayed(at), 'usr')),
    fires: false,
  },
  {
    name: 'a signed call that was replayed is no code',
    events: [0, 1, 2].map(
      (at): Event => ({
        ...request(at * second),
        level: 'warn',
        evt: 'call',
        outcome: 'refused',
        reason: 'replayed',
        route: 'POST /api/auth/mfa/verify',
      }),
    ),
    fires: false,
  },
  {
    name: 'a used code that is no failure of a second factor',
    events: [
      ...[0, 1, 2].map((at) => ({ ...replayed(at), evt: 'credential' })),
      ...[0, 1, 2].map((at) => ({ ...replayed(at), outcome: 'success' })),
    ],
    fires: false,
    outsideContract: true,
  },
]
