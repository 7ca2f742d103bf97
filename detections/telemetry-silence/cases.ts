import { after, type DetectionCase, type Proof } from '../../lab/datadog/testing.ts'
import { addressFields } from '../../shared/client/address.ts'
import type { Event } from '../../shared/event.ts'

type Sweep = Extract<Event, { evt: 'sweep' }>

const second = 1_000
const minute = 60 * second

const sweep = (ms: number, change: Partial<Sweep> = {}): Sweep => ({
  timestamp: after(ms),
  level: 'info',
  service: 'mini-ato-saas',
  env: 'prod',
  evt: 'sweep',
  outcome: 'success',
  expired: 0,
  contained: 0,
  failed: 0,
  duration_ms: 12,
  ...change,
})

/** Somebody's sign-in, a success as well: the service is alive, and says so in another way than by its heartbeat. */
const signIn = (ms: number): Event => ({
  timestamp: after(ms),
  level: 'info',
  service: 'mini-ato-saas',
  env: 'prod',
  evt: 'login',
  outcome: 'success',
  usr: { id: '0b7c3b0e-52b1-4d7a-8a8f-3d6d0f2c9a11' },
  sid: 'AAAAAAAAAAAAAAAAAAAAAA',
  device_known: true,
  ...addressFields('198.51.100.7'),
  user_agent: 'Mozilla/5.0 "quoted" \\ {{x}} $ALERT_ID',
  device_hash: '0123456789abcdef0123456789abcdef',
  via: 'api',
  request_id: '6f1c1a3e-8f5d-4a57-9f0e-2f1d2c3b4a59',
})

/** The service's heartbeat, at these minutes. */
const beats = (...minutes: number[]) => minutes.map((at) => sweep(at * minute))

export const proof: Proof = { counts: (_i, afterMs) => sweep(afterMs) }

export const cases: DetectionCase[] = [
  {
    name: 'three minutes after the last heartbeat, to the millisecond; the next one ends it',
    events: beats(0, 1, 2, 10, 11, 12),
    fires: [{}, {}],
    transitions: [
      ['Triggered', 5 * minute],
      ['Recovered', 10 * minute],
      ['Triggered', 15 * minute],
    ],
  },
  {
    name: 'one heartbeat that is missing, or a second late, alarms nobody',
    events: [...beats(0, 1), sweep(3 * minute + second), ...beats(4, 5)],
    until: 8 * minute - 1,
    fires: false,
  },
  {
    name: 'other events are no heartbeat: a service that still logs sign-ins has lost its sweeper',
    events: [...beats(0, 1), signIn(2 * minute), signIn(3 * minute), signIn(4 * minute)],
    fires: [{}],
    transitions: [['Triggered', 4 * minute]],
  },
  {
    name: 'sweeps that fail are no heartbeat: what expires and what is to be contained stays as it is',
    events: [
      ...beats(0),
      ...[1, 2, 3].map((at) => sweep(at * minute, { outcome: 'fail', level: 'error' })),
      ...beats(9),
    ],
    fires: [{}, {}],
    transitions: [
      ['Triggered', 3 * minute],
      ['Recovered', 9 * minute],
      ['Triggered', 12 * minute],
    ],
  },
  {
    name: 'the heartbeat of staging does not speak for production',
    events: [...beats(0), ...[1, 2, 3, 4].map((at) => sweep(at * minute, { env: 'staging' }))],
    fires: [{}],
    transitions: [['Triggered', 3 * minute]],
  },
]
