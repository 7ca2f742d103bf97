import type { AttackLine, AttackView, ContainmentView, DeliveryView, Found } from '../api.ts'
import { SID } from './sample.ts'

/** Data as a lab gives it, around one instant, for the views in which a person acts. */

const attack = (slug: string, title: string, more: Partial<AttackView> = {}): AttackView => ({
  slug,
  title,
  does: 'Replays a stolen session cookie (web) or bearer token (functions) from another device and address: no password, no second factor, nothing that a login page could refuse.',
  techniques: [
    { id: 'T1539', name: 'Steal Web Session Cookie' },
    { id: 'T1550.004', name: 'Use Alternate Authentication Material: Web Session Cookie' },
  ],
  targets: ['web', 'functions'],
  ends: 'contained',
  twin: 'A laptop that travels',
  twin_does: 'One laptop changes from the office to a phone’s network.',
  can_be_mine: false,
  runbook: 'runbooks/ATO-002-session-reuse.md',
  ...more,
})

const attacks: readonly AttackView[] = [
  attack('credential-stuffing', 'Credential stuffing', {
    techniques: [{ id: 'T1110.004', name: 'Credential Stuffing' }],
  }),
  attack('session-reuse', 'Stolen session', { can_be_mine: true }),
  attack('telemetry-silence', 'Log forwarding turned off', { targets: ['functions'], ends: 'notified', runbook: null }),
]

/** The story of a stolen session, with times around its crossing. */
export function story(at: number): AttackLine[] {
  const line = (ms: number | null, who: string | null, text: string): AttackLine => ({
    at: at + (ms ?? -50),
    who,
    ms,
    text,
  })
  return [
    line(null, null, 'Stolen session, web at http://localhost:8000'),
    line(null, null, 'T1539 Steal Web Session Cookie'),
    line(null, null, 'Run a-1, seed 1.'),
    line(null, 'victim', 'signs in on a laptop, Firefox on Linux at 203.0.113.24'),
    line(0, 'thief', "has the laptop's cookie and replays it: Safari on iPhone at 198.51.100.77"),
    line(38, 'Datadog', '2 devices > 1 for @sid: Triggered session-reuse'),
    line(41, 'webhook', 'is delivered to functions: 200'),
    line(71, 'containment', 'the session is revoked by web'),
    line(84, 'thief', 'is refused: 401'),
    line(null, null, '\nSeen after 38 ms, stopped after 71 ms.\n'),
  ]
}

function containment(at: number, more: Partial<ContainmentView> = {}): ContainmentView {
  return {
    id: '5d0c7c1f40aa',
    detection: 'session-reuse',
    by: 'monitor',
    action: 'revoke',
    subject: `@sid:${SID}`,
    state: 'done',
    result: 'success',
    reason: null,
    mode: 'enforce',
    alert_at: at,
    changed_at: at + 71,
    latency_ms: 71,
    can: ['undo'],
    ...more,
  }
}

/** A containment in each state. */
export const containments = (now: number): ContainmentView[] => [
  containment(now - 2_000),
  containment(now - 60_000, {
    id: 'b1',
    detection: 'credential-stuffing',
    action: 'block_ip',
    subject: '@network:192.0.2.7',
    latency_ms: 84,
  }),
  containment(now - 90_000, {
    id: 'c1',
    state: 'held',
    reason: 'cap',
    result: null,
    latency_ms: null,
    can: ['approve', 'undo'],
  }),
  containment(now - 120_000, { id: 'd1', detection: 'mfa-guessing', action: 'notify', subject: '@usr.id:17', can: [] }),
  containment(now - 150_000, { id: 'e1', by: 'rule', state: 'undone', can: [] }),
  containment(now - 180_000, {
    id: 'f1',
    state: 'closed',
    result: 'observed',
    mode: 'observe',
    latency_ms: null,
    can: ['approve'],
  }),
]

const payload = (at: number): string =>
  JSON.stringify({
    id: '77',
    alert_id: '1003',
    cycle: '4118',
    transition: 'Triggered',
    scope: `@sid:${SID}`,
    tags: 'detection:session-reuse,contain:session',
    date: at,
  })

export function delivery(at: number, more: Partial<DeliveryView> = {}): DeliveryView {
  return {
    id: 1,
    trace: 'session-reuse:77',
    detection: 'session-reuse',
    by: 'monitor',
    webhook: 'ato-contain',
    transition: 'Triggered',
    queued_at: at,
    state: 'delivered',
    again: false,
    payload: payload(at),
    tries: [
      {
        at: at + 1,
        ms: 71,
        status: 200,
        answer: '{"containment_id":"5d0c7c1f40aa","state":"done","action":"revoke","result":"success","via":"web"}',
      },
    ],
    ...more,
  }
}

const deliveries = (now: number): DeliveryView[] => [
  delivery(now - 1_000, {
    id: 3,
    again: true,
    tries: [{ at: now - 999, ms: 9, status: 200, answer: '{"ignored":"duplicate"}' }],
  }),
  delivery(now - 30_000, {
    id: 2,
    detection: 'credential-stuffing',
    state: 'refused',
    tries: [
      { at: now - 29_900, ms: 15_000, status: null, answer: 'no answer within 15 s' },
      { at: now - 14_000, ms: 3, status: 503, answer: '{"title":"Not available"}' },
      {
        at: now - 13_000,
        ms: 3,
        status: 422,
        answer: '{"title":"The alert cannot be used","detail":"the subject is not ours"}',
      },
    ],
  }),
  delivery(now - 60_000),
]

const event = (at: number, more: object): { at: number; line: string } => ({
  at,
  line: JSON.stringify({
    timestamp: new Date(at).toISOString(),
    level: 'info',
    service: 'mini-ato-saas',
    env: 'prod',
    ...more,
  }),
})

/** @param count of the rows */
export function found(now: number, count = 30): Found {
  const kinds = [
    { evt: 'login', outcome: 'fail', reason: 'wrong_password', email: 'ada@example.com', ip: '192.0.2.7' },
    { evt: 'login', outcome: 'success', email: 'ada@example.com', sid: SID, usr: { id: '17' }, ip: '203.0.113.24' },
    { evt: 'session', outcome: 'revoked', sid: SID, usr: { id: '17' }, ip: '198.51.100.77' },
    { evt: 'session', outcome: 'seen', sid: SID, usr: { id: '17' }, risk: ['new_device'], ip: '203.0.113.24' },
  ]
  const rows = Array.from({ length: count }, (_, at) =>
    event(now - at * 7_000, { ...kinds[at % kinds.length], request_id: `r-${at}` }),
  )
  const buckets = Array.from({ length: 60 }, (_, at) => [now - (60 - at) * 15_000, (at * 7) % 13] as const)
  return {
    matched: count,
    rows: rows.map((row) => ({ ...row, cells: [] })),
    columns: [],
    counts: [],
    hints: [],
    buckets,
  }
}

const mails = (now: number) => [
  {
    id: 2,
    at: new Date(now - 20_000).toISOString(),
    from: 'no-reply@mini-ato.example',
    to: ['ada@example.com'],
    subject: 'A sign-in from a new device',
    text: 'Somebody signed in from Safari on iPhone, 198.51.100.77.\n\nIf it was not you: http://localhost:8000/account.\n',
  },
  {
    id: 1,
    at: new Date(now - 90_000).toISOString(),
    from: 'no-reply@mini-ato.example',
    to: ['ada@example.com'],
    subject: 'Confirm your address',
    text: `Open this link:\n\nhttp://localhost:8000/confirm#token=${'eyJhbGciOiJFZERTQSJ9'.repeat(8)}\n\nIt is valid for 24 hours.`,
  },
]

export const RUM_SESSION = 'a3c1f0de-5b7a-4c11-8f2e-0d9a6b7c8e1f'

/** Newest first. */
function reports(now: number): object[] {
  const report = (ago: number, type: string, path: string, more: object = {}) => ({
    type,
    date: now - ago,
    application: { id: 'b9a3a3a0-6f0e-4c8e-9a55-3d6f0f0f7a11' },
    session: { id: RUM_SESSION },
    view: { id: path, url: `http://localhost:8000${path}`, time_spent: 4.2e9 },
    ...more,
  })
  const result = { action: { type: 'custom', target: { name: 'login.result' } }, context: { outcome: 'success' } }
  return [
    report(1_000, 'action', '/dashboard', result),
    report(1_200, 'view', '/dashboard'),
    report(3_000, 'action', '/login', { action: { type: 'click', target: { name: 'Masked Element' } } }),
    report(5_900, 'resource', '/login', { resource: { url: 'http://localhost:8000/assets/rum.js' } }),
    report(6_000, 'view', '/login'),
  ]
}

/** What these views ask for, beside the first snapshots. */
export const actSnapshots = (now: number): Record<string, object> => ({
  'GET /lab/attacks': { attacks, running: [] },
  'GET /lab/deliveries': { deliveries: deliveries(now), drop_next: 0 },
  'GET /lab/containments': { containments: containments(now) },
  'GET /lab/search': found(now),
  'GET /mail.json': (query: URLSearchParams) => ({
    mails: mails(now).filter(({ id }) => id > Number(query.get('after'))),
  }),
  'GET /lab/rum': { received: 4, refused_requests: 0, events: reports(now) },
})
