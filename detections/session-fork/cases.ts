import {
  from,
  HOME,
  MINUTE,
  numbered,
  repeat,
  SECOND,
  SID,
  sessionDead,
  sessionForked,
  sessionOpened,
  sessionSeen,
  without,
} from '../events.ts'
import type { DetectionCase, Proof } from '../harness.ts'

export const proof: Proof = {
  counts: (_i, afterMs, subject) => sessionForked(afterMs, { sid: numbered.sid(subject) }),
  almost: (_i, afterMs, subject) => sessionDead(afterMs, { sid: numbered.sid(subject), reason: 'forked' }),
}

const fires = [{ '@sid': SID }]
const renewed = (ms: number, via: 'web' | 'api' = 'web') => sessionOpened(ms, { outcome: 'renewed', via })

export const cases: DetectionCase[] = [
  {
    name: 'a stolen token presented after its successor, from an equal device: all that is logged of a theft',
    events: [
      sessionOpened(0, from(HOME)),
      sessionSeen(SECOND),
      renewed(5 * MINUTE),
      sessionSeen(6 * MINUTE, { reason: 'refused' }),
      sessionForked(6 * MINUTE),
      sessionDead(6 * MINUTE + SECOND, { reason: 'forked' }),
      sessionDead(7 * MINUTE, { reason: 'forked', ...from(HOME) }),
    ],
    fires,
    transitions: [
      ['Triggered', 6 * MINUTE],
      ['Recovered', 21 * MINUTE],
    ],
  },
  {
    name: 'a fork that arrives after the revocation that it caused',
    events: [sessionDead(2 * SECOND, { reason: 'forked' }), sessionForked(0)],
    fires,
    transitions: [
      ['Triggered', 0],
      ['Recovered', 15 * MINUTE],
    ],
  },
  {
    name: 'a fork on the API, where a script renewed and another one did not',
    events: [renewed(0, 'api'), sessionForked(MINUTE, { via: 'api' })],
    fires,
  },
  {
    name: 'two tabs of one browser that renew at the same time',
    events: [
      sessionOpened(0),
      renewed(5 * MINUTE),
      renewed(5 * MINUTE + 3),
      sessionSeen(5 * MINUTE + 20),
      sessionSeen(5 * MINUTE + 25),
    ],
    fires: false,
  },
  {
    name: 'a day of renewals by the one who holds the session',
    events: Array.from({ length: 200 }, (_, i) => [
      renewed(i * 5 * MINUTE),
      sessionSeen(i * 5 * MINUTE + SECOND),
    ]).flat(),
    fires: false,
  },
  {
    name: 'an old token within the grace: accepted, and seen',
    events: [renewed(0), sessionSeen(SECOND), sessionSeen(30 * SECOND, from(HOME))],
    fires: false,
  },
  {
    name: 'an API client that never renews, until its token ends',
    events: [
      sessionOpened(0, { via: 'api' }),
      ...repeat(sessionSeen, 60, MINUTE, { via: 'api' }),
      without(sessionDead(65 * MINUTE, { outcome: 'expired', via: 'api' }), 'reason'),
    ],
    fires: false,
  },
  {
    name: 'a session that another device uses is another detection, whether the device binding let it in or not',
    events: [
      sessionSeen(0),
      sessionSeen(SECOND, { device_hash: numbered.hash(1) }),
      sessionSeen(2 * SECOND, { reason: 'refused' }),
    ],
    fires: false,
  },
  {
    name: 'sessions that ended in every other way',
    events: [
      sessionOpened(0, { outcome: 'ended' }),
      ...(['contained', 'ended_elsewhere', 'password_changed'] as const).map((reason) =>
        sessionDead(SECOND, { reason }),
      ),
    ],
    fires: false,
  },
  {
    name: 'a fork of something that is no session',
    events: [{ ...sessionForked(0), evt: 'sweep' }],
    fires: false,
    outsideContract: true,
  },
]
