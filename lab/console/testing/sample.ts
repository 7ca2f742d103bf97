import type { AttackRun, ConsoleInfo, GroupView, MonitorView, SessionView, Trace, TraceStep } from '../api.ts'

/** Data as a lab gives it, around one instant, for pages that are shown without a lab. */

const info: ConsoleInfo = {
  urls: { web: 'http://127.0.0.1:8000', functions: 'http://127.0.0.1:7071' },
  mode: 'arrival',
  version: '0.1.0',
  can: ['attacks', 'containments', 'mail', 'rum', 'mine'],
  exercise: null,
}

export const SID = '3f9ac07d51be42e8a1c6d09b77e4f215'
const LAPTOP = 'c2a91f0e77b34d58'
const PHONE = '90be1d4ac5f72e36'
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'
const SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1'

const seen = (at: number, device: string, ip: string, outcome = 'seen'): string =>
  JSON.stringify({
    timestamp: new Date(at).toISOString(),
    level: 'info',
    service: 'mini-ato-saas',
    env: 'prod',
    evt: 'session',
    outcome,
    sid: SID,
    usr: { id: 'b8c1a6f2-4d0e-4f4e-9a53-5f0d3f1a7c20' },
    device_hash: device,
    ip,
    via: 'web',
    request_id: `r-${at.toString(36)}`,
  })

const step = (name: TraceStep['name'], at: number, title: string, more: Partial<TraceStep> = {}): TraceStep => ({
  name,
  at,
  title,
  raw: [],
  files: [],
  ...more,
})

/** A stolen session from the first event to the refused thief. @param at of the crossing, epoch ms */
export function stolenSession(at: number, id = 'session-reuse:77'): Trace {
  const payload = JSON.stringify({
    id: '77',
    alert_id: '1003',
    cycle: '4118',
    transition: 'Triggered',
    scope: `@sid:${SID}`,
    tags: 'detection:session-reuse,contain:session',
    date: at + 6,
  })
  const call = JSON.stringify({ id: '0f3c…', op: '/contain/revoke', action: 'revoke', sid: SID, reason: 'contain' })
  return {
    id,
    detection: 'session-reuse',
    by: 'monitor',
    name: 'A session is used by more than one device',
    group: { '@sid': SID },
    started_at: at - 754_000,
    steps: [
      step('counted', at - 754_000, 'session new, Firefox on Linux, 203.0.113.24', {
        raw: [{ label: 'log', text: seen(at - 754_000, LAPTOP, '203.0.113.24', 'new') }],
      }),
      step('counted', at, 'session seen, Safari on iPhone, 198.51.100.77', {
        raw: [{ label: 'log', text: seen(at, PHONE, '198.51.100.77') }],
      }),
      step('value', at + 4, '2 devices > 1', {
        raw: [{ label: 'evaluation', text: 'cardinality(@device_hash) over 2 h for @sid = 2; critical 1' }],
        files: ['detections/session-reuse/monitor.json'],
      }),
      step('transition', at + 5, 'OK → Alert', { files: ['detections/session-reuse/monitor.json'] }),
      step('delivery', at + 6, '200 in 71 ms', {
        ms: 71,
        raw: [
          { label: 'payload', text: payload },
          { label: 'answer', text: '{"result":"done","action":"revoke"}' },
        ],
        files: ['detections/webhook.json'],
      }),
      step('containment', at + 21, 'revoke: done', {
        ms: 55,
        effect: 'done',
        raw: [{ label: 'ledger row', text: '{"detection":"session-reuse","action":"revoke","state":"done"}' }],
        files: ['functions/contain/policy.ts', 'runbooks/ATO-002-session-reuse.md'],
      }),
      step('call', at + 38, 'POST /contain/revoke: 200 success', {
        ms: 12,
        raw: [
          { label: 'request', text: `POST /contain/revoke\nx-ato-signature: t=1772366400,v1=9f2c…\n\n${call}` },
          { label: 'answer', text: '{"sid":"3f9a…","result":"success"}' },
        ],
      }),
      step('refused', at + 124, 'the thief, 198.51.100.77: revoked', {
        raw: [{ label: 'log', text: seen(at + 124, PHONE, '198.51.100.77', 'revoked') }],
      }),
    ],
    closed: true,
  }
}

/** Eleven failures, evaluated by the minute, contained, and nobody has come back yet. */
export function stuffing(at: number): Trace {
  const failures = Array.from({ length: 10 }, (_, index) =>
    step('counted', at - 9000 + index * 1000, `login fail wrong_password, person${index}@example.com`, {
      raw: [{ label: 'log', text: `{"evt":"login","outcome":"fail","ip":"192.0.2.${index}"}` }],
    }),
  )
  return {
    id: 'credential-stuffing:12',
    detection: 'credential-stuffing',
    by: 'monitor',
    name: 'Many failed sign-ins from one network',
    group: { '@network': '192.0.2.0/24' },
    started_at: at - 9000,
    steps: [
      ...failures,
      step('value', at + 41_000, '11 failures > 10'),
      step('transition', at + 41_002, 'OK → Alert', { files: ['detections/credential-stuffing/monitor.json'] }),
      step('delivery', at + 41_003, '200 in 44 ms', { ms: 44 }),
      step('containment', at + 41_015, 'block_ip: done', { ms: 30, effect: 'done' }),
    ],
    closed: false,
  }
}

const climb = (now: number, values: readonly (number | null)[], everyMs: number): GroupView['points'] =>
  values.map((value, index) => [now - (values.length - 1 - index) * everyMs, value])

/** Monitors in every state. */
export function monitors(now: number): MonitorView[] {
  const monitor = (detection: string, name: string, more: Partial<MonitorView>): MonitorView => ({
    detection,
    by: 'monitor',
    name,
    query: `logs("service:mini-ato-saas env:prod @evt:login").index("*").rollup("count").by("@network").last("5m") > 10`,
    critical: 10,
    warning: null,
    comparator: '>',
    window_seconds: 300,
    next_evaluation_at: now + 23_000,
    facets: ['@network'],
    groups: [],
    more_groups: 0,
    files: [`detections/${detection}/monitor.json`],
    ...more,
  })
  return [
    monitor('credential-stuffing', 'Many failed sign-ins from one network', {
      warning: 7,
      groups: [
        {
          group: { '@network': '192.0.2.0/24' },
          state: 'Warn',
          points: climb(now, [0, 1, 1, 2, 3, 3, 5, 6, 6, 8, 8, 9], 12_000),
        },
        { group: { '@network': '198.51.100.0/24' }, state: 'OK', points: climb(now, [1, 1, 2, 2, 2, 3, 3], 15_000) },
        { group: { '@network': '203.0.113.0/24' }, state: 'OK', points: climb(now, [1, 1, 0, 0, 1, 1], 18_000) },
      ],
    }),
    monitor('session-reuse', 'A session is used by more than one device', {
      query: `logs("service:mini-ato-saas env:prod @evt:session @outcome:(new OR seen)").index("*").rollup("cardinality","@device_hash").by("@sid").last("2h") > 1`,
      critical: 1,
      window_seconds: 7200,
      next_evaluation_at: null,
      facets: ['@sid'],
      groups: [
        { group: { '@sid': SID }, state: 'Alert', points: climb(now, [1, 1, 1, 2, 2], 60_000) },
        { group: { '@sid': '8d11e6a09c2b4f7791e0aa5c33b2d614' }, state: 'OK', points: climb(now, [1, 1, 1], 90_000) },
      ],
      more_groups: 12,
    }),
    monitor('telemetry-silence', 'No log of the service has arrived', {
      comparator: '<',
      critical: 1,
      facets: [],
      groups: [{ group: {}, state: 'OK', points: climb(now, [40, 52, 61, 38, 70], 60_000) }],
    }),
    monitor('session-fork', 'Two holders renewed one session', { by: 'rule', critical: 0, window_seconds: 3600 }),
    monitor('password-spraying', 'One password against many accounts', {}),
  ]
}

/** A stolen session with both its holders, alive or contained, and two sessions of one holder. */
export function sessions(now: number, dead: boolean): SessionView[] {
  const holder = (device: string, ip: string, user_agent: string, ago: number, more = {}) => ({
    device,
    ip,
    country: 'PT',
    user_agent,
    first_at: now - ago,
    last_at: now - Math.min(ago, 8000),
    uses: 4,
    refused: 0,
    ...more,
  })
  return [
    {
      sid: SID,
      user: 'ada@example.com',
      started_at: now - 754_000,
      last_at: now - 2000,
      ended_at: dead ? now - 1900 : null,
      ended_by: dead ? 'contain' : null,
      holders: [
        holder(LAPTOP, '127.0.0.1', FIREFOX, 754_000, { uses: 12, country: null }),
        holder(PHONE, '198.51.100.77', SAFARI, 2000, { country: 'DE', uses: 2, refused: dead ? 3 : 0 }),
      ],
    },
    {
      sid: '8d11e6a09c2b4f7791e0aa5c33b2d614',
      user: 'grace@example.com',
      started_at: now - 1_900_000,
      last_at: now - 40_000,
      ended_at: null,
      ended_by: null,
      holders: [holder(LAPTOP, '203.0.113.90', FIREFOX, 1_900_000)],
    },
    {
      sid: 'a55f20c4471d4b9c8e6ad3379be1f08e',
      user: null,
      started_at: now - 5_000_000,
      last_at: now - 3_000_000,
      ended_at: now - 3_000_000,
      ended_by: 'logout',
      holders: [holder(PHONE, '2001:db8::71', SAFARI, 5_000_000)],
    },
  ]
}

export function attackRun(at: number, more: Partial<AttackRun> = {}): AttackRun {
  return {
    id: 'run-1',
    slug: 'session-reuse',
    target: 'web',
    twin: false,
    seed: 1,
    started_at: at,
    ended_at: null,
    run_ids: [],
    lines: [],
    ok: null,
    error: null,
    ...more,
  }
}

/** What a page asks for first. */
export const snapshots = (now: number, dead = false): Record<string, object> => ({
  'GET /lab/console': info,
  'GET /lab/traces': { traces: [stolenSession(now - 2000), stuffing(now - 300_000)] },
  'GET /lab/values': { monitors: monitors(now) },
  'GET /lab/sessions': { sessions: sessions(now, dead) },
  'GET /lab/deliveries': { deliveries: [], drop_next: 0 },
  'GET /lab/attacks': { attacks: [], running: [] },
  'GET /lab/containments': { containments: [] },
})

/** A lab in which nothing has happened. */
export const nothing = (): Record<string, object> => ({
  'GET /lab/console': info,
  'GET /lab/traces': { traces: [] },
  'GET /lab/values': { monitors: [] },
  'GET /lab/sessions': { sessions: [] },
  'GET /lab/deliveries': { deliveries: [], drop_next: 0 },
  'GET /lab/attacks': { attacks: [], running: [] },
  'GET /lab/containments': { containments: [] },
})
