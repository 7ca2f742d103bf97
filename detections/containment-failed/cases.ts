import { after, type DetectionCase, newRequestId, numbered, type Proof, without } from '../../lab/datadog/testing.ts'
import type { Event } from '../../shared/event.ts'

type Contain = Extract<Event, { evt: 'contain' }>

const second = 1_000
const minute = 60 * second
const window = 15 * minute

/** One that waits for a person: of session-reuse, and held by the cap. */
const held = (ms: number, change: Partial<Contain> = {}): Contain => ({
  timestamp: after(ms),
  level: 'error',
  service: 'mini-ato-saas',
  env: 'prod',
  evt: 'contain',
  outcome: 'refused',
  action: 'revoke',
  reason: 'cap',
  detection: 'session-reuse',
  containment_id: numbered.hash(0),
  sid: 'AAAAAAAAAAAAAAAAAAAAAA',
  usr: { id: '0b7c3b0e-52b1-4d7a-8a8f-3d6d0f2c9a11' },
  via: 'direct',
  request_id: newRequestId(),
  ...change,
})

const done = (ms: number, change: Partial<Contain> = {}): Contain =>
  without(held(ms, { level: 'info', outcome: 'success', ...change }), 'reason') as Contain

export const proof: Proof = {
  counts: (i, afterMs, subject) =>
    held(afterMs, { containment_id: numbered.hash(i), detection: `detection-${subject}` }),
}

const group = { '@detection': 'session-reuse' }

export const cases: DetectionCase[] = [
  {
    name: 'a containment that can never be carried out: its detection or its subject is gone, it has another policy, or its row cannot be read',
    events: (['policy_gone', 'policy_changed', 'subject_gone', 'unreadable'] as const).map((reason, i) =>
      held(i * second, { outcome: 'fail', reason, containment_id: numbered.hash(i), detection: `gone-${i}` }),
    ),
    fires: [0, 1, 2, 3].map((i) => ({ '@detection': `gone-${i}` })),
  },
  {
    name: 'each reason for which one waits: the cap, an address that is never blocked, its age, an alert that is over',
    events: (['cap', 'policy', 'stale', 'recovered'] as const).map((reason, i) =>
      held(i * second, { reason, containment_id: numbered.hash(i), detection: `held-${i}` }),
    ),
    fires: [0, 1, 2, 3].map((i) => ({ '@detection': `held-${i}` })),
  },
  {
    name: 'a failure without a reason',
    events: [without(held(0, { outcome: 'fail' }), 'reason') as Contain],
    fires: [group],
  },
  {
    name: 'one is enough, and a quarter of an hour later its alert is over',
    events: [held(0)],
    fires: [group],
    transitions: [
      ['Triggered', 0],
      ['Recovered', window],
    ],
  },
  {
    name: 'a hundred and seventy-five that the cap holds are one alert, not as many pages',
    events: Array.from({ length: 175 }, (_, i) => held(i * 100, { containment_id: numbered.hash(i) })),
    fires: [group],
    transitions: [
      ['Triggered', 0],
      ['Recovered', window + 17_400],
    ],
  },
  {
    name: 'a containment that fails while others of its detection go on',
    events: [done(0), held(second, { outcome: 'fail', reason: 'subject_gone' }), done(2 * second)],
    fires: [group],
  },
  {
    name: 'two detections, each with an alert of its own',
    events: [held(0), held(second, { detection: 'credential-stuffing', containment_id: numbered.hash(1) })],
    fires: [group, { '@detection': 'credential-stuffing' }],
  },
  {
    name: 'an operator who approves what waited ends nothing early: the events stay in the window',
    events: [held(0), done(minute, { operator: 'ann', why: 'a theft at one office' })],
    fires: [group],
    transitions: [
      ['Triggered', 0],
      ['Recovered', window],
    ],
  },
  {
    name: 'a line that comes again 899,999 ms later holds the alert open',
    events: [held(0), held(window - 1)],
    fires: [group],
    transitions: [
      ['Triggered', 0],
      ['Recovered', 2 * window - 1],
    ],
  },
  {
    name: 'the page about a containment that failed cannot itself be told: no alert about an alert',
    events: [
      held(0, { detection: 'containment-failed', action: 'notify', reason: 'stale' }),
      held(second, { detection: 'containment-failed', action: 'notify', outcome: 'fail', reason: 'policy_changed' }),
    ],
    fires: false,
  },
  {
    name: 'a day of containments that were carried out, or found nothing left to do',
    events: Array.from({ length: 100 }, (_, i) =>
      done(i * 10 * minute, { outcome: i % 3 === 0 ? 'noop' : 'success', containment_id: numbered.hash(i) }),
    ),
    fires: false,
  },
  {
    name: 'containments that an operator took back',
    events: [0, 1, 2].map((i) =>
      done(i * second, { outcome: 'undone', level: 'warn', operator: 'ann', why: 'it was the office' }),
    ),
    fires: false,
  },
  {
    name: 'a block that came too late to do anything is told as what it is',
    events: [held(0, { level: 'info', outcome: 'noop', reason: 'expired', action: 'block_ip' })],
    fires: false,
  },
  {
    name: 'alerts that were refused at the door, a sweep that failed and a call that was refused are other pages',
    events: [
      { ...without(held(0), 'reason'), evt: 'sweep', outcome: 'fail' },
      { ...held(second), evt: 'webhook', reason: 'stale' },
      { ...held(2 * second), evt: 'call' },
    ],
    fires: false,
    outsideContract: true,
  },
  { name: 'the staging environment', events: [held(0, { env: 'staging' })], fires: false },
  { name: 'another service', events: [held(0, { service: 'another' })], fires: false },
  {
    name: 'a failure without a detection counts for nobody',
    events: [without(held(0), 'detection')],
    fires: false,
    outsideContract: true,
  },
]
