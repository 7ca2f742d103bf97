import {
  callRefused,
  containHeld,
  type Kind,
  MINUTE,
  numbered,
  repeat,
  SECOND,
  swept,
  webhookRefused,
  without,
} from '../events.ts'
import type { DetectionCase, Proof } from '../harness.ts'

const done = (ms: number, change: Partial<Kind<'contain'>> = {}) =>
  without(containHeld(ms, { level: 'info', outcome: 'success', ...change }), 'reason')

export const proof: Proof = {
  counts: (i, afterMs, subject) =>
    containHeld(afterMs, { containment_id: numbered.hash(i), detection: `detection-${subject}` }),
  almost: (i, afterMs, subject) =>
    containHeld(afterMs, {
      level: 'warn',
      outcome: 'noop',
      reason: 'expired',
      containment_id: numbered.hash(i),
      detection: `detection-${subject}`,
    }),
}

const fires = [{ '@detection': 'session-reuse' }]

export const cases: DetectionCase[] = [
  {
    name: 'a containment that can never be carried out: its detection or its subject is gone, it has another policy, or its row cannot be read',
    events: (['policy_gone', 'policy_changed', 'subject_gone', 'unreadable'] as const).map((reason, i) =>
      containHeld(i * SECOND, { outcome: 'fail', reason, detection: `gone-${i}` }),
    ),
    fires: [0, 1, 2, 3].map((i) => ({ '@detection': `gone-${i}` })),
  },
  {
    name: 'each reason for which one waits: the cap, an address that is never blocked, its age, an alert that is over',
    events: (['cap', 'policy', 'stale', 'recovered'] as const).map((reason, i) =>
      containHeld(i * SECOND, { reason, detection: `held-${i}` }),
    ),
    fires: [0, 1, 2, 3].map((i) => ({ '@detection': `held-${i}` })),
  },
  {
    name: 'a hundred and seventy-five that the cap holds are one alert, not as many pages',
    events: repeat(containHeld, 175, 100, (i) => ({ containment_id: numbered.hash(i) })),
    fires,
    transitions: [
      ['Triggered', 0],
      ['Recovered', 15 * MINUTE + 17_400],
    ],
  },
  {
    name: 'a containment that fails while others of its detection go on',
    events: [done(0), containHeld(SECOND, { outcome: 'fail', reason: 'subject_gone' }), done(2 * SECOND)],
    fires,
  },
  {
    name: 'an operator who approves what waited ends nothing early: the events stay in the window',
    events: [containHeld(0), done(MINUTE, { operator: 'ann', why: 'a theft at one office' })],
    fires,
    transitions: [
      ['Triggered', 0],
      ['Recovered', 15 * MINUTE],
    ],
  },
  {
    name: 'a containment of this detection that failed is no alert about an alert',
    events: [
      containHeld(0, { detection: 'containment-failed', action: 'notify', reason: 'stale' }),
      containHeld(SECOND, {
        detection: 'containment-failed',
        action: 'notify',
        outcome: 'fail',
        reason: 'policy_changed',
      }),
    ],
    fires: false,
  },
  {
    name: 'a day of containments that were carried out, or found nothing left to do',
    events: Array.from({ length: 100 }, (_, i) =>
      done(i * 10 * MINUTE, { outcome: i % 3 === 0 ? 'noop' : 'success', containment_id: numbered.hash(i) }),
    ),
    fires: false,
  },
  {
    name: 'containments that an operator took back',
    events: [0, 1, 2].map((i) =>
      done(i * SECOND, { outcome: 'undone', level: 'warn', operator: 'ann', why: 'it was the office' }),
    ),
    fires: false,
  },
  {
    name: 'a refused webhook, a sweep that failed and a refused call, though each named a detection',
    events: [webhookRefused(0, { reason: 'stale' }), swept(SECOND, { outcome: 'fail' }), callRefused(2 * SECOND)].map(
      (each) => ({ ...each, detection: 'session-reuse', containment_id: numbered.hash(1) }),
    ),
    fires: false,
    outsideContract: true,
  },
]
