import { from, HOUR, MINUTE, numbered, OTHER_SID, repeat, SECOND, SID, sessionOpened, sessionSeen } from '../events.ts'
import type { DetectionCase, Proof } from '../harness.ts'

const laptop = { device_hash: numbered.hash(1) }
const thief = { device_hash: numbered.hash(2) }
const third = { device_hash: numbered.hash(3) }

export const proof: Proof = {
  counts: (i, afterMs, subject) => sessionSeen(afterMs, { sid: numbered.sid(subject), device_hash: numbered.hash(i) }),
  almost: (_i, afterMs, subject) => sessionSeen(afterMs, { sid: numbered.sid(subject), ...laptop }),
  equivalent: { 'search: without @evt:session': 'by the contract, new and seen are outcomes of sessions alone' },
}

const fires = [{ '@sid': SID }]

export const cases: DetectionCase[] = [
  {
    name: 'a cookie replayed from another device ten seconds after its sign-in',
    events: [sessionOpened(0, laptop), sessionSeen(10 * SECOND, thief)],
    fires,
    transitions: [
      ['Triggered', 10 * SECOND],
      ['Recovered', 2 * HOUR],
    ],
  },
  {
    // The owner used it a minute longer than the sampling logged, and the thief comes in the last second of its life.
    name: 'the second device in the sixtieth minute that its owner has left the session idle',
    events: [sessionSeen(0, laptop), sessionSeen(HOUR + MINUTE - SECOND, thief)],
    fires,
  },
  {
    name: 'a replay that the device binding refused, and a third device, are the same alert',
    events: [
      sessionSeen(0, laptop),
      sessionSeen(SECOND, { ...thief, reason: 'refused' }),
      sessionSeen(2 * SECOND, third),
    ],
    fires,
    transitions: [
      ['Triggered', SECOND],
      ['Recovered', 2 * HOUR + SECOND],
    ],
  },
  {
    name: 'one person on two devices, with a session on each',
    events: repeat(sessionSeen, 40, MINUTE / 2, (i) => (i % 2 === 0 ? laptop : { ...third, sid: OTHER_SID })),
    fires: false,
  },
  {
    name: 'one device roaming between networks',
    events: repeat(sessionSeen, 20, MINUTE, (i) => ({ ...laptop, ...from(numbered.ip(i)) })),
    fires: false,
  },
  {
    name: 'a browser update that changes the user agent and not the device',
    events: [sessionSeen(0, laptop), sessionSeen(SECOND, { ...laptop, user_agent: 'Mozilla/5.0 next' })],
    fires: false,
  },
  {
    name: 'a renewal or logout by another device is not a use',
    events: [
      sessionSeen(0, laptop),
      sessionOpened(SECOND, { ...thief, outcome: 'renewed' }),
      sessionOpened(2 * SECOND, { ...third, outcome: 'ended' }),
    ],
    fires: false,
  },
]
