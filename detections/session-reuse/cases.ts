import { after, type DetectionCase, numbered, type Proof, without } from '../../lab/datadog/testing.ts'
import { addressFields } from '../../shared/client/address.ts'
import type { Event } from '../../shared/event.ts'

type SessionSeen = Extract<Event, { evt: 'session'; outcome: 'seen' }>
type SessionChanged = Extract<Event, { evt: 'session'; outcome: 'new' | 'renewed' | 'ended' }>

const stolen = 'AAAAAAAAAAAAAAAAAAAAAA'
const other = 'BBBBBBBBBBBBBBBBBBBBBB'
const laptop = '0123456789abcdef0123456789abcdef'
const thief = 'fedcba9876543210fedcba9876543210'
const third = '00112233445566778899aabbccddeeff'
const second = 1_000
const minute = 60 * second
const hour = 60 * minute
/** More than the idle lifetime of an hour, and the minute by which a use is sampled. */
const window = 2 * hour

const common = (ms: number, sid: string, device: string) => ({
  timestamp: after(ms),
  level: 'info' as const,
  service: 'mini-ato-saas',
  env: 'prod',
  ...addressFields('203.0.113.9'),
  user_agent: 'Mozilla/5.0 "quoted" \\ {{x}} $ALERT_ID',
  device_hash: device,
  via: 'web' as const,
  request_id: '6f1c1a3e-8f5d-4a57-9f0e-2f1d2c3b4a59',
  usr: { id: '0b7c3b0e-52b1-4d7a-8a8f-3d6d0f2c9a11' },
  sid,
  evt: 'session' as const,
})

const seen = (ms: number, sid: string, device: string, change: Partial<SessionSeen> = {}): SessionSeen => ({
  ...common(ms, sid, device),
  outcome: 'seen',
  reason: 'accepted',
  ...change,
})

const changed = (ms: number, sid: string, device: string, outcome: SessionChanged['outcome']): SessionChanged => ({
  ...common(ms, sid, device),
  outcome,
})

export const proof: Proof = {
  counts: (i, afterMs, subject) => seen(afterMs, numbered.sid(subject), numbered.hash(i)),
  equivalent: { 'search: without @evt:session': 'by the contract, new and seen are outcomes of sessions alone' },
}

export const cases: DetectionCase[] = [
  {
    name: 'a cookie replayed from another device ten seconds after its sign-in',
    events: [changed(0, stolen, laptop, 'new'), seen(10 * second, stolen, thief)],
    fires: [{ '@sid': stolen }],
    transitions: [
      ['Triggered', 10 * second],
      ['Recovered', window],
    ],
  },
  {
    name: 'the second device in the sixtieth minute that its owner has left the session idle',
    events: [
      seen(0, stolen, laptop),
      // The owner used it a minute longer than the sampling logged, and the thief comes in the last second of its life.
      seen(hour + minute - second, stolen, thief),
    ],
    fires: [{ '@sid': stolen }],
  },
  {
    name: 'the second device 7,199,999 ms after the first',
    events: [seen(0, stolen, laptop), seen(window - 1, stolen, thief)],
    fires: [{ '@sid': stolen }],
    transitions: [
      ['Triggered', window - 1],
      ['Recovered', window],
    ],
  },
  {
    name: 'the second device a full two hours after the first: no session lives that long unused',
    events: [seen(0, stolen, laptop), seen(window, stolen, thief)],
    fires: false,
  },
  {
    name: 'a replay that the device binding refused',
    events: [seen(0, stolen, laptop), seen(second, stolen, thief, { reason: 'refused' })],
    fires: true,
  },
  {
    name: 'a third device is the same alert',
    events: [seen(0, stolen, laptop), seen(second, stolen, thief), seen(2 * second, stolen, third)],
    fires: [{ '@sid': stolen }],
    transitions: [
      ['Triggered', second],
      ['Recovered', window + second],
    ],
  },
  {
    name: 'the thief coming back after a recovery is a second alert',
    events: [0, 2 * window].flatMap((from) => [seen(from, stolen, laptop), seen(from + second, stolen, thief)]),
    fires: [{ '@sid': stolen }, { '@sid': stolen }],
    transitions: [
      ['Triggered', second],
      ['Recovered', window],
      ['Triggered', 2 * window + second],
      ['Recovered', 3 * window],
    ],
  },
  {
    name: 'the replay arriving before the request that it follows',
    events: [seen(30 * second, stolen, thief), seen(0, stolen, laptop)],
    fires: [{ '@sid': stolen }],
    transitions: [
      ['Triggered', 30 * second],
      ['Recovered', window],
    ],
  },
  {
    name: 'the same cookie replayed on two sessions, each an alert of its own',
    events: [stolen, other].flatMap((sid) => [seen(0, sid, laptop), seen(second, sid, thief)]),
    fires: [{ '@sid': other }, { '@sid': stolen }],
  },
  {
    name: 'one person on two devices, with a session on each',
    events: Array.from({ length: 20 }, (_, i) => [
      seen(i * minute, stolen, laptop),
      seen(i * minute + second, other, third),
    ]).flat(),
    fires: false,
  },
  {
    name: 'one device roaming between networks',
    events: Array.from({ length: 20 }, (_, i) => seen(i * minute, stolen, laptop, addressFields(`198.51.100.${i}`))),
    fires: false,
  },
  {
    name: 'a browser update that changes the user agent and not the device',
    events: [seen(0, stolen, laptop), seen(second, stolen, laptop, { user_agent: 'Mozilla/5.0 next' })],
    fires: false,
  },
  {
    name: 'a renewal or logout by another device is not a use',
    events: [
      seen(0, stolen, laptop),
      changed(second, stolen, thief, 'renewed'),
      changed(2 * second, stolen, third, 'ended'),
    ],
    fires: false,
  },
  {
    name: 'the staging environment',
    events: [seen(0, stolen, laptop, { env: 'staging' }), seen(second, stolen, thief, { env: 'staging' })],
    fires: false,
  },
  {
    name: 'another service',
    events: [seen(0, stolen, laptop, { service: 'another' }), seen(second, stolen, thief, { service: 'another' })],
    fires: false,
  },
  {
    name: 'uses without a session count for nobody',
    events: [without(seen(0, stolen, laptop), 'sid'), without(seen(second, stolen, thief), 'sid')],
    fires: false,
    outsideContract: true,
  },
  {
    name: 'a use without a device is not another device',
    events: [seen(0, stolen, laptop), without(seen(second, stolen, thief), 'device_hash')],
    fires: false,
    outsideContract: true,
  },
]
