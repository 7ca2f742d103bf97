import { type IndexedLog, type Monitor, type Pass, readImportable, replay } from 'alertproof'
import { Replayer } from 'alertproof/replay'
import { afterEach, describe, expect, test } from 'vitest'
import type { DeliveryView, LogTail, MonitorView, SessionView, Trace, ValuesSent } from './api.ts'
import { type StandIn, startStandIn } from './testing/stand-in.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function start(...given: Parameters<typeof startStandIn>): Promise<StandIn> {
  const lab = await startStandIn(...given)
  closers.push(lab.close)
  return lab
}

const monitor = (slug: string, query: string, threshold: number): Monitor =>
  readImportable(
    JSON.stringify({
      ...{ name: slug, type: 'log alert', query: `logs("env:prod ${query} > ${threshold}` },
      message: '{{#is_alert}}@webhook-ato-contain{{/is_alert}}',
      tags: [`detection:${slug}`],
      options: { thresholds: { critical: threshold }, new_group_delay: 0, on_missing_data: 'resolve' },
    }),
    `detections/${slug}/monitor.json`,
  )

const STUFFING = monitor(
  'credential-stuffing',
  '@evt:login @outcome:fail").index("*").rollup("count").by("@network").last("5m")',
  3,
)
const REUSE = monitor(
  'session-reuse',
  '@evt:session").index("*").rollup("cardinality","@device_hash").by("@sid").last("2h")',
  1,
)

const SID = 'AAAAAAAAAAAAAAAAAAAAAA'
const at = (ms: number) => new Date(Date.now() + ms).toISOString()
const failure = (network: string, ms = 0) => ({
  ...{ timestamp: at(ms), evt: 'login', outcome: 'fail', reason: 'wrong_password', network, ip: network },
})
const seen = (device: string, more: object = {}) => ({
  ...{ timestamp: at(0), evt: 'session', outcome: 'seen', reason: 'accepted', sid: SID, usr: { id: 'u1' } },
  ...{ device_hash: device, ip: '203.0.113.9', user_agent: 'Browser/1', ...more },
})

const groupsOf = ({ groups }: MonitorView) =>
  groups.map(({ group, state, points }) => [Object.values(group)[0], state, points.at(-1)?.[1]])

describe('values', () => {
  test('are shown below the threshold too, the highest first, and a group that is not OK before them', async () => {
    const lab = await start({ monitors: [STUFFING] })
    await lab.submit(...Array(2).fill(failure('203.0.113.1')), failure('203.0.113.2'))
    await lab.submit(...Array(4).fill(failure('203.0.113.3')))
    const { monitors } = await lab.get<{ monitors: MonitorView[] }>('/lab/values')
    expect(monitors).toMatchObject([
      {
        ...{ detection: 'credential-stuffing', by: 'monitor', critical: 3, warning: null, comparator: '>' },
        ...{ window_seconds: 300, next_evaluation_at: null, facets: ['@network'], more_groups: 0 },
        files: ['detections/credential-stuffing/monitor.json'],
      },
    ])
    expect(monitors.flatMap(groupsOf)).toEqual([
      ['203.0.113.3', 'Alert', 4],
      ['203.0.113.1', 'OK', 2],
      ['203.0.113.2', 'OK', 1],
    ])
  })

  test('of more groups than are shown are counted', async () => {
    const lab = await start({ monitors: [STUFFING] })
    const many = Array.from({ length: 1200 }, (_, i) => failure(`198.18.${i >> 8}.${i & 255}`))
    await lab.submit(...many.slice(0, 900))
    await lab.submit(...many.slice(900), ...Array(3).fill(failure('203.0.113.3')))
    const { monitors } = await lab.get<{ monitors: MonitorView[] }>('/lab/values')
    expect(monitors[0]?.groups).toHaveLength(100)
    expect(groupsOf(monitors[0] as MonitorView)[0]).toEqual(['203.0.113.3', 'OK', 3])
    expect(monitors[0]?.more_groups).toBe(1101)
  })

  test('and transitions, traces and deliveries agree with a replay of the same log', async () => {
    const lab = await start({ monitors: [STUFFING, REUSE] })
    const events = Array.from({ length: 60 }, (_, i) => [
      failure(`203.0.113.${i % 7}`, -90_000 + i * 1_000),
      seen(i > 40 ? 'thief' : 'owner', { sid: `${i % 5}`.padEnd(22, 'A'), timestamp: at(-90_000 + i * 1_000) }),
    ]).flat()
    for (const event of events) await lab.submit(event)
    const { logs } = await lab.get<{ logs: IndexedLog[] }>('/lab/logs?limit=1000')
    expect(logs).toHaveLength(events.length)

    const passes = new Map<string, Pass[]>()
    const observer = {
      pass: ({ slug }: Monitor, pass: Pass) => {
        const name = `${slug} ${pass.key}`
        passes.set(name, [...(passes.get(name) ?? []), pass])
      },
      ended: () => {},
    }
    const replayer = new Replayer([STUFFING, REUSE], { live: true, observer }, () => {})
    for (const log of logs.toReversed()) replayer.push(log, log.timestamp)
    replayer.finish()
    const newest = logs[0]?.timestamp ?? 0
    const { monitors } = await lab.get<{ monitors: MonitorView[] }>('/lab/values')
    const shown = monitors.flatMap(({ detection, groups }) =>
      groups.map(({ group, points }) => ({ name: `${detection} ${Object.values(group)[0]}`, points })),
    )
    expect(shown.map(({ name }) => name).sort()).toEqual([...passes.keys()].sort())
    for (const { name, points } of shown) {
      const found = (passes.get(name) ?? []).flatMap((pass) => (pass.at <= newest ? [[pass.at, pass.value]] : []))
      expect(found).toEqual(expect.arrayContaining([...points]))
      expect(points.length).toBe(found.length)
    }

    const { changes } = await replay(
      [STUFFING, REUSE],
      events.map((event) => ({ ...event, env: 'prod' })),
      { live: true },
    )
    const triggered = changes.filter(({ transition }) => transition === 'Triggered')
    expect(triggered.length).toBeGreaterThan(8)
    const { traces } = await lab.get<{ traces: Trace[] }>('/lab/traces')
    const found = traces.map(({ detection, group, started_at }) => [
      detection,
      group,
      new Date(started_at).toISOString(),
    ])
    expect(found.toReversed()).toEqual(triggered.map(({ monitor, group, at }) => [monitor, group, at]))
    await lab.receiver.received(triggered.length)
    const { deliveries } = await lab.get<{ deliveries: DeliveryView[] }>('/lab/deliveries')
    expect(deliveries.map(({ trace }) => trace).sort()).toEqual(traces.map(({ id }) => id).sort())
    const scopes = deliveries.map(({ payload }) => JSON.parse(payload).scope)
    expect(scopes.sort()).toEqual(
      triggered.map(({ group }) => Object.entries(group).map(([name, value]) => `${name}:${value}`)[0]).sort(),
    )
  })

  test('of monitors that are evaluated at intervals come with the next evaluation', async () => {
    const lab = await start({ monitors: [STUFFING], cadenceSeconds: 3600 })
    await lab.submit(...Array(4).fill(failure('203.0.113.1')))
    const [shown] = (await lab.get<{ monitors: MonitorView[] }>('/lab/values')).monitors
    expect(shown?.groups).toEqual([])
    const next = shown?.next_evaluation_at ?? 0
    expect([next % 3_600_000, next > Date.now() - 1000, next <= Date.now() + 3_600_000]).toEqual([0, true, true])
  })

  test('start anew when the query or the options are edited, and stay when only a text is', async () => {
    const lab = await start({ monitors: [STUFFING] })
    await lab.submit(failure('203.0.113.1'), failure('203.0.113.1'))
    const shown = async () => (await lab.get<{ monitors: MonitorView[] }>('/lab/values')).monitors
    const configure = (...monitors: Monitor[]) =>
      lab.datadog.configure({ monitors, rules: [], webhooks: [], pipelines: [] })
    const points = async () => (await shown())[0]?.groups[0]?.points.length
    const before = await points()
    configure({ ...STUFFING, message: 'edited' })
    expect([await points(), (await shown())[0]?.critical]).toEqual([before, 3])
    configure(monitor('credential-stuffing', '@evt:login").index("*").rollup("count").by("@network").last("5m")', 1))
    expect((await shown()).map(groupsOf)).toEqual([[['203.0.113.1', 'Alert', 2]]])
    configure()
    expect(await shown()).toEqual([])
    configure(STUFFING)
    expect((await shown()).map(groupsOf)).toEqual([[['203.0.113.1', 'OK', 2]]])
  })

  test('of all that are left are sent after an edit, so that a reader forgets a deleted monitor', async () => {
    const lab = await start({ monitors: [STUFFING, REUSE] })
    const { found } = await lab.read<ValuesSent>('values')
    lab.datadog.configure({ monitors: [REUSE], rules: [], webhooks: [], pipelines: [] })
    expect(await found).toMatchObject({ all: true, monitors: [{ detection: 'session-reuse' }] })
  })

  test('are sent to who reads them, and only those that have changed', async () => {
    const lab = await start({ monitors: [STUFFING, REUSE] })
    await lab.submit(seen('owner'))
    const { found } = await lab.read<{ monitors: MonitorView[] }>('values')
    await lab.submit(failure('203.0.113.1'))
    expect((await found).monitors.map(({ detection }) => detection)).toEqual(['credential-stuffing'])
  })
})

describe('a trace', () => {
  test('joins what counted, its value, the delivery, the containment, the signed call and the first refusal', async () => {
    const answer = JSON.stringify({ containment_id: 'c1', state: 'done' })
    const lab = await start({ monitors: [REUSE] }, { answers: [{ status: 200, body: answer }] })
    await lab.submit(seen('owner'), seen('thief', { ip: '198.51.100.4' }))
    await lab.receiver.received(1)
    lab.datadog.console?.noteCall({
      ...{ at: Date.now(), ms: 3, request: 'POST /contain/revoke', status: 200, answer: '{"result":"success"}' },
      body: JSON.stringify({ op: 'POST /contain/revoke', sid: SID, detection: 'session-reuse' }),
    })
    const contained = { evt: 'contain', outcome: 'success', action: 'revoke', via: 'web', detection: 'session-reuse' }
    const containedAt = at(20)
    const refused = seen('thief', { timestamp: at(500), outcome: 'revoked', reason: 'contained' })
    await lab.submit(refused) // the hosts' logs come by different ways
    await lab.submit({ ...contained, timestamp: containedAt, sid: SID, containment_id: 'c1' })
    const { traces } = await lab.get<{ traces: Trace[] }>('/lab/traces')
    expect(traces).toHaveLength(1)
    const [trace] = traces
    expect(trace).toMatchObject({ detection: 'session-reuse', by: 'monitor', group: { '@sid': SID }, closed: true })
    expect(trace?.steps.map(({ name, title }) => [name, title])).toEqual([
      ['counted', 'session seen (accepted), 203.0.113.9'],
      ['counted', 'session seen (accepted), 198.51.100.4'],
      ['value', '2 values of @device_hash > 1'],
      ['transition', `Triggered: @sid:${SID}`],
      ['delivery', '@webhook-ato-contain: 200'],
      ['call', 'functions → web: POST /contain/revoke, 200'],
      ['containment', 'contain success revoke, web'],
      ['refused', 'session revoked (contained), 203.0.113.9'],
    ])
    const times = trace?.steps.map((step) => step.at) ?? []
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(trace?.steps.every(({ raw }) => raw.every(({ text }) => text.length > 0))).toBe(true)
  })

  test('shows the first refusal, also where it came before the event of its containment, but none of an earlier one', async () => {
    const lab = await start({ monitors: [REUSE] })
    const now = Date.now()
    const later = (ms: number) => new Date(now + ms).toISOString()
    await lab.submit(seen('owner'), seen('thief', { ip: '198.51.100.4' }))
    const contained = { evt: 'contain', outcome: 'success', action: 'revoke', detection: 'session-reuse', sid: SID }
    const refusedAt = (ms: number) => seen('thief', { timestamp: later(ms), outcome: 'revoked', reason: 'contained' })
    await lab.submit(refusedAt(200))
    await lab.submit({ ...contained, timestamp: later(300), containment_id: 'c1' })
    await lab.submit(refusedAt(400), refusedAt(450))
    await lab.submit({ ...contained, outcome: 'noop', timestamp: later(500), containment_id: 'c2' })
    const refusals = async () => {
      const { traces } = await lab.get<{ traces: Trace[] }>('/lab/traces')
      return traces[0]?.steps.flatMap((step) => (step.name === 'refused' ? [step.at] : []))
    }
    expect(await refusals()).toEqual([now + 200])
    await lab.submit(refusedAt(600))
    expect(await refusals()).toEqual([now + 200, now + 600])
  })

  test('does not say that functions sent a call that web refused, nor show a signature of use, nor lose the accepted one', async () => {
    const lab = await start({ monitors: [REUSE] })
    const signature = `t=1,v1=${'0123456789abcdef'.repeat(4)}`
    const call = (status: number | null) =>
      lab.datadog.console?.noteCall({
        ...{ at: Date.now(), ms: 3, request: `POST /contain/revoke HTTP/1.1\nx-ato-signature: ${signature}\n\n{}` },
        ...{ status, answer: '{}' },
        body: JSON.stringify({ op: 'POST /contain/revoke', sid: SID, detection: 'session-reuse' }),
      })
    await lab.submit(seen('owner'), seen('thief'))
    call(200)
    for (let n = 0; n < 300; n++) call(401)
    call(null)
    const { traces } = await lab.get<{ traces: Trace[] }>('/lab/traces')
    const calls = traces[0]?.steps.filter(({ name }) => name === 'call') ?? []
    const titles = calls.map(({ title }) => title)
    expect(titles).toHaveLength(200)
    expect([...new Set(titles)].sort()).toEqual([
      'functions → web: POST /contain/revoke, 200',
      'functions → web: POST /contain/revoke, no answer',
      'refused by web: POST /contain/revoke, 401',
    ])
    const whole = calls.filter(({ raw }) => raw[0]?.text.includes(signature))
    expect(whole.map(({ title }) => title)).toEqual(['functions → web: POST /contain/revoke, 200'])
    expect(calls.every(({ raw }) => raw[0]?.text.includes('v1=01234567'))).toBe(true)
  })

  test('is sent again when it has grown', async () => {
    const lab = await start({ monitors: [REUSE] })
    const { found } = await lab.read<Trace>('trace', ({ steps }) =>
      steps.some(({ name, ms }) => name === 'delivery' && ms !== undefined),
    )
    await lab.submit(seen('owner'), seen('thief'))
    expect((await found).detection).toBe('session-reuse')
    const grown = await lab.read<Trace>('trace', ({ steps }) => steps.some(({ name }) => name === 'containment'))
    const contained = { evt: 'contain', outcome: 'success', action: 'revoke', detection: 'session-reuse', sid: SID }
    await lab.submit({ ...contained, timestamp: at(0), containment_id: 'x' })
    expect((await grown.found).closed).toBe(false)
  })
})

describe('sessions', () => {
  test('have their holders, and end with their containment', async () => {
    const lab = await start({ monitors: [] })
    await lab.submit(
      { ...seen('owner'), evt: 'login', outcome: 'success', email: 'ann@example.com' },
      seen('owner'),
      seen('thief', { ip: '198.51.100.4' }),
      {
        ...seen('x'),
        evt: 'contain',
        outcome: 'success',
        action: 'revoke',
        detection: 'session-reuse',
        device_hash: undefined,
        ip: undefined,
      },
      seen('thief', { ip: '198.51.100.4', outcome: 'revoked', reason: 'contained' }),
    )
    const { sessions } = await lab.get<{ sessions: SessionView[] }>('/lab/sessions')
    expect(sessions).toMatchObject([
      {
        ...{ sid: SID, user: 'ann@example.com', ended_by: 'contain' },
        holders: [
          { device: 'owner', ip: '203.0.113.9', user_agent: 'Browser/1', uses: 2, refused: 0 },
          { device: 'thief', ip: '198.51.100.4', uses: 2, refused: 1 },
        ],
      },
    ])
    expect(sessions[0]?.ended_at).not.toBeNull()
  })

  test.each([
    ['ended', undefined, 'logout'],
    ['fork', undefined, 'fork'],
    ['expired', undefined, 'expired'],
    ['revoked', 'password_changed', 'password_changed'],
  ])('that are %s (%s) ended by %s', async (outcome, reason, by) => {
    const lab = await start({ monitors: [] })
    await lab.submit(seen('owner'), seen('owner', { outcome, reason }))
    const { sessions } = await lab.get<{ sessions: SessionView[] }>('/lab/sessions')
    expect(sessions[0]?.ended_by).toBe(by)
  })
})

test('all logs are counted, and the newest are shown', async () => {
  const lab = await start({ monitors: [] })
  const { found } = await lab.read<LogTail>('logs', ({ total }) => total >= 120)
  const many = Array.from({ length: 120 }, (_, i) => failure('203.0.113.1', i))
  await lab.submit(...many)
  const streamed = await found
  expect(streamed.newest.length).toBeLessThanOrEqual(50)
  const tail = await lab.get<LogTail>('/lab/tail')
  expect(tail.total).toBeGreaterThanOrEqual(120)
  expect(tail.newest).toHaveLength(50)
  expect(JSON.parse(tail.newest[0]?.line ?? '')).toMatchObject({ evt: 'login', service: 'mini-ato-saas' })
})
