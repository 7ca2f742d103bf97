import { loginSucceeded, MINUTE, repeat, SECOND, swept } from '../events.ts'
import type { DetectionCase, Proof } from '../harness.ts'

/** Heartbeats at these minutes. */
const beats = (...minutes: number[]) => minutes.map((at) => swept(at * MINUTE))

export const proof: Proof = {
  counts: (_i, afterMs) => swept(afterMs),
  almost: (_i, afterMs) => swept(afterMs, { outcome: 'fail', level: 'error' }),
}

export const cases: DetectionCase[] = [
  {
    name: 'three minutes after the last heartbeat, to the millisecond; the next one ends it',
    events: beats(0, 1, 2, 10, 11, 12),
    fires: [{}, {}],
    transitions: [
      ['Triggered', 5 * MINUTE],
      ['Recovered', 10 * MINUTE],
      ['Triggered', 15 * MINUTE],
    ],
  },
  {
    name: 'one heartbeat that is missing, or a second late, alarms nobody',
    events: [...beats(0, 1), swept(3 * MINUTE + SECOND), ...beats(4, 5)],
    until: 8 * MINUTE - 1,
    fires: false,
  },
  {
    name: 'other events are no heartbeat: a service that still logs sign-ins has lost its sweeper',
    events: [...beats(0, 1), ...repeat(loginSucceeded, 3, MINUTE, {}, 2 * MINUTE)],
    fires: [{}],
    transitions: [['Triggered', 4 * MINUTE]],
  },
]
