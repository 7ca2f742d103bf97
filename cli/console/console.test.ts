import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type {
  AttackAsked,
  AttackRun,
  AttackView,
  ConsoleInfo,
  ContainmentView,
  DeliveryView,
  SessionView,
  Trace,
} from '../../lab/console/api.ts'
import { streamed } from '../../lab/console/testing/streamed.ts'
import { type LabHandle, startLab } from '../../lab/start/lab.ts'
import { type OpenedConsole, openConsole } from './open.ts'

let dir: string
let lab: LabHandle
let opened: OpenedConsole

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato console '))
  opened = openConsole(dir, () => {})
  lab = await startLab({
    dir,
    ports: { web: 0, functions: 0, datadog: 0 },
    log: () => {},
    given: { TABLES_CONNECTION: inject('tablesConnection') },
    console: opened.ports,
  })
}, 120_000)

afterAll(async () => {
  await opened?.close()
  await lab?.stop()
  await rm(dir, { recursive: true, force: true })
})

const url = (path: string) => `${lab.urls.datadog}${path}`

async function get<T>(path: string): Promise<T> {
  const response = await fetch(url(path))
  expect([path, response.status]).toEqual([path, 200])
  return (await response.json()) as T
}

async function send(method: 'POST' | 'DELETE', path: string, body?: object) {
  const response = await fetch(url(path), {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: response.status, text: await response.text() }
}

/** One run at a time: the next one that ends. */
const nextEnd = () =>
  streamed<AttackRun>(url('/lab/stream?events=attack'), 'attack', ({ ended_at }) => ended_at !== null)

/** Begins a run, and waits until the stream reports its end. */
async function attack(asked: AttackAsked): Promise<AttackRun> {
  const { found } = await nextEnd()
  const { status, text } = await send('POST', '/lab/attacks', asked)
  expect([status, text]).toEqual([202, text])
  return found
}

describe.sequential('an attack from the console', { timeout: 120_000 }, () => {
  let trace: Trace

  test('is one that the command line has too, on this lab', async () => {
    expect((await get<ConsoleInfo>('/lab/console')).can).toEqual(
      expect.arrayContaining(['attacks', 'containments', 'mail', 'rum', 'mine']),
    )
    const { attacks } = await get<{ attacks: AttackView[] }>('/lab/attacks')
    expect(attacks.find(({ slug }) => slug === 'session-reuse')).toMatchObject({
      ...{ ends: 'contained', can_be_mine: true, targets: ['web', 'functions'] },
      runbook: 'runbooks/ATO-002-session-reuse.md',
    })
  })

  test('tells its story while no other one runs, and holds', async () => {
    const { found } = await nextEnd()
    expect((await send('POST', '/lab/attacks', { slug: 'session-reuse', target: 'web', seed: 7 })).status).toBe(202)
    const other = await send('POST', '/lab/attacks', { slug: 'session-reuse', target: 'web' })
    expect(other).toMatchObject({ status: 409, text: expect.stringContaining('session-reuse still runs') })
    const run = await found
    expect(run).toMatchObject({ ok: true, error: null, seed: 7, run_ids: [expect.stringMatching(/^a-/)] })
    expect(run.lines.map(({ who }) => who)).toEqual(
      expect.arrayContaining([null, 'thief', 'crossing', 'Datadog', 'webhook', 'containment']),
    )
    expect(run.lines.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^The attacker entered .* is locked out\.$/),
    )
    expect(run.lines.some(({ who, ms }) => who === 'containment' && ms !== null)).toBe(true)
  })

  test('has a trace from the events that counted to the first refused request', async () => {
    const { traces } = await get<{ traces: Trace[] }>('/lab/traces')
    const [found] = traces.filter(({ detection, by }) => detection === 'session-reuse' && by === 'monitor')
    expect(found).toBeDefined()
    trace = found as Trace
    expect([...new Set(trace.steps.map(({ name }) => name))].sort()).toEqual(
      ['call', 'containment', 'counted', 'delivery', 'refused', 'transition', 'value'].sort(),
    )
    expect(trace.closed).toBe(true)
    // The rule of the same name reports too; the row of the later one of both is closed as a duplicate.
    const containment = trace.steps.find(({ title }) => title === 'revoke: done (success)')
    expect(containment?.name).toBe('containment')
    expect(containment?.raw.map(({ label }) => label)).toEqual(['row of the ledger', 'event'])
    const call = trace.steps.find(({ name }) => name === 'call')
    expect(call?.raw[0]?.text).toMatch(/^POST \/contain\/revoke/)
    expect(call?.raw[0]?.text).toContain(`"sid":"${trace.group['@sid']}"`)
    for (const path of trace.steps.flatMap(({ files }) => files))
      expect([path, (await fetch(url(`/lab/files?path=${path}`))).status]).toEqual([path, 200])
  })

  test('leaves a session that has ended, with both of its holders', async () => {
    const { sessions } = await get<{ sessions: SessionView[] }>('/lab/sessions')
    const session = sessions.find(({ sid }) => sid === trace.group['@sid'])
    expect(session).toMatchObject({ ended_by: 'contain', user: expect.stringContaining('@example.com') })
    expect(session?.holders.length).toBeGreaterThan(1)
    expect(session?.holders.map(({ country }) => country)).toEqual(session?.holders.map(() => 'PT'))
    expect(session?.holders.some(({ refused }) => refused > 0)).toBe(true)
  })

  test('has a containment that is undone with a reason, once', async () => {
    const rows = () => get<{ containments: ContainmentView[] }>('/lab/containments')
    const isOfTrace = ({ subject, state }: ContainmentView) =>
      subject === `@sid:${trace.group['@sid']}` && state === 'done'
    const all = (await rows()).containments
    for (const { can } of all.filter(({ reason }) => reason === 'duplicate')) expect(can).toEqual([])
    const row = all.find(isOfTrace)
    expect(row).toMatchObject({ state: 'done', action: 'revoke', mode: 'enforce', can: ['undo'] })
    expect(row?.latency_ms).toBeGreaterThanOrEqual(0)
    const undo = { id: row?.id ?? '', do: 'undo', reason: 'CASE-1:\u001b[2J\na class' }
    for (const reason of [' ', '\u001b\u202e'])
      expect((await send('POST', '/lab/containments', { ...undo, reason })).status).toBe(400)
    expect((await send('POST', '/lab/containments', { ...undo, do: 'retry' })).status).toBe(409)
    expect((await send('POST', '/lab/containments', { ...undo, id: 'nothing' })).status).toBe(404)
    const { found } = await streamed(url('/lab/stream?events=containments'), 'containments', () => true)
    const done = await send('POST', '/lab/containments', undo)
    expect([done.status, JSON.parse(done.text).state]).toEqual([200, 'undone'])
    await found
    const after = (await rows()).containments.find(({ id }) => id === row?.id)
    expect(after).toMatchObject({ state: 'undone', can: [], latency_ms: row?.latency_ms })
    expect((await send('POST', '/lab/containments', undo)).status).toBe(409)
    const event = '/lab/logs?query=@evt:contain @outcome:undone @operator:console'
    const { logs } = await get<{ logs: unknown[] }>(event)
    expect(logs).toHaveLength(1)
    expect(JSON.stringify(logs)).toContain('CASE-1: [2J a class')
  })

  test('has a delivery that is sent again, which functions ignore as a duplicate or because it is undone', async () => {
    const { deliveries } = await get<{ deliveries: DeliveryView[] }>('/lab/deliveries')
    const [first] = deliveries.filter((each) => each.trace === trace.id)
    const { found } = await streamed<DeliveryView>(
      url('/lab/stream?events=delivered'),
      'delivered',
      (each) => each.again && each.state !== 'pending',
    )
    const { status, text } = await send('POST', '/lab/deliveries', { id: first?.id, times: 2 })
    expect([status, JSON.parse(text).ids.length]).toEqual([202, 2])
    expect(await found).toMatchObject({ trace: trace.id, state: 'delivered', tries: [{ status: 200 }] })
  })

  test.each([
    [{ slug: 'phishing', target: 'web' }, 400],
    [{ slug: 'telemetry-silence', target: 'web' }, 400],
    [{ slug: 'otp-replay', target: 'web', mine: {} }, 400],
    [{ slug: 'session-reuse', target: 'web', twin: true, mine: {} }, 400],
    [{ slug: 'session-reuse', target: 'web', pace: 5001 }, 400],
    [{ slug: 'session-reuse', target: 'elsewhere' }, 400],
    [{ slug: 'session-reuse', target: 'web', base_url: 'http://example.com' }, 400],
  ])('is refused when it does not fit: %j', async (asked, status) => {
    expect((await send('POST', '/lab/attacks', asked)).status).toBe(status)
  })

  test('stops when a person says so, and says that nobody is signed in', async () => {
    const { found } = await nextEnd()
    const { text } = await send('POST', '/lab/attacks', { slug: 'session-reuse', target: 'web', pace: 5000 })
    const { run }: { run: AttackRun } = JSON.parse(text)
    expect((await send('DELETE', `/lab/attacks?run=${run.id}`)).status).toBe(202)
    expect(await found).toMatchObject({ ok: false, error: 'stopped' })
    const mine = await attack({ slug: 'session-reuse', target: 'web', mine: {} })
    expect(mine.error).toContain('Nobody is signed in')
  })

  test.each([
    ['credential-stuffing', 'block_ip: done (success)'],
    ['otp-replay', 'revoke_user: done (success)'],
  ])('%s has a trace to the first refused request too', async (slug, title) => {
    expect((await attack({ slug, target: 'functions' })).ok).toBe(true)
    const { traces } = await get<{ traces: Trace[] }>('/lab/traces')
    const titles = traces
      .filter(({ detection }) => detection === slug)
      .map(({ steps }) => steps.map((step) => step.title))
    expect(titles.some((each) => each.includes(title))).toBe(true)
    expect(traces.some(({ detection, closed }) => detection === slug && closed)).toBe(true)
  })

  test('has a benign twin, which raises no alert', async () => {
    const run = await attack({ slug: 'session-reuse', target: 'both', twin: true })
    expect(run).toMatchObject({ ok: true, twin: true })
    expect(run.run_ids).toHaveLength(2)
  })
})
