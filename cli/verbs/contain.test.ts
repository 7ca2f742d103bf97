import { type Io, runCaptured, UsageError } from 'alertproof/cli'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { createContainmentLedger } from '../../functions/stores/tables/containment-ledger.ts'
import { type Functions, startFunctions } from '../../functions/testing/functions.ts'
import { type Datadog, startDatadog } from '../../lab/datadog/server.ts'
import { deferred } from '../../lab/start/deferred.ts'
import { actOnAll } from '../../ops/contain/act.ts'
import { heldRow } from '../../ops/contain/testing/held-row.ts'
import { watch } from '../../ops/contain/watch.ts'
import { openLogs } from '../../proof/verify/logs.ts'
import type { Containment } from '../../shared/stores/port.ts'
import { createTablesClient } from '../../shared/stores/tables/client.ts'
import { readDecision } from '../contain/decision.ts'
import { command } from './contain.ts'

let functions: Functions
let datadog: Datadog
const DETECTION = 'takeover-after-failures'
const SINCE = '2m'

beforeAll(async () => {
  datadog = await startDatadog({ port: 0, apiKey: 'lab-key', monitors: [], webhooks: [], variables: {} })
  functions = await startFunctions({
    env: { WEB_ORIGIN: 'http://127.0.0.1:9', DD_API_KEY: 'lab-key', DD_LOGS_URL: datadog.intakeUrl },
    // The ledger of a deployment, which the command opens.
    stores: { containments: createContainmentLedger(createTablesClient(inject('tablesConnection'))) },
  })
})
afterAll(async () => {
  await functions?.close()
  await datadog?.close()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  // Closes the rows of the last test, so that the --all of the next one does not take them.
  const left = await functions.deps.stores.containments.list({ detection: DETECTION })
  const closed = { state: 'closed', nextAt: new Date(), updatedAt: new Date(), announce: undefined } as const
  for (const { id } of left) {
    await functions.deps.stores.containments.revise(DETECTION, id, (row) => ({ ...row, ...closed }))
  }
})

async function runWith(more: Partial<Io>, ...argv: string[]) {
  for (const [name, value] of Object.entries(functions.env)) vi.stubEnv(name, value)
  vi.stubEnv('ATO_OPERATOR', 'ann')
  return runCaptured(command, argv, more)
}
const run = (...argv: string[]) => runWith({}, ...argv)
const lines = (out: string) => out.split('\n').filter((line) => line !== '')
const rowsIn = (out: string) => lines(out).map((line) => JSON.parse(line) as Containment & { error?: string })

/** Writes a containment of a live session. */
async function held(change: Partial<Containment> = {}) {
  const { sid, token, email } = await functions.signIn()
  const { id: userId = '' } = (await functions.deps.stores.users.findByEmail(email)) ?? {}
  const row = heldRow({ detection: DETECTION, scope: `@sid:${sid}`, action: 'revoke', userId, ...change })
  expect(await functions.deps.stores.containments.claim(row)).toBe(true)
  return { ...row, sid, token }
}
const rowOf = ({ id }: { id: string }) => functions.deps.stores.containments.find(DETECTION, id)
const isAlive = async (token: string) => (await functions.call('session', { token })).status === 200
const eventsOf = (rows: readonly { id: string }[], outcome: string) =>
  openLogs(datadog.url, new AbortController().signal).await(
    `@evt:contain @outcome:${outcome} @containment_id:(${rows.map(({ id }) => id).join(' OR ')})`,
    rows.length,
    5_000,
  )

describe('approving', () => {
  test('is stopped before it has begun with 130, and leaves every row as it was', async () => {
    const row = await held()
    const all = ['--all', '--detection', DETECTION, '--why', 'CASE-17'] as const
    const { code, err } = await runWith({ signal: AbortSignal.abort() }, 'approve', ...all)
    expect({ code, err }).toEqual({ code: 130, err: expect.stringContaining('Stopped: 1 were not begun.') })
    expect(await rowOf(row)).toMatchObject({ state: 'held', attempts: 0 })
    expect(await isAlive(row.token)).toBe(true)
  })

  test('a row revokes the session, and row and log say who approved it and why', async () => {
    const row = await held()
    const { code, out, err } = await run('approve', row.id.slice(0, 12), '--why', 'CASE-17:  a theft')
    expect(err).toContain('is revoked, by ')
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringMatching(/state: +done/) })
    expect(await rowOf(row)).toMatchObject({ state: 'done', operator: 'ann', why: 'CASE-17: a theft' })
    expect(await isAlive(row.token)).toBe(false)
    const [event] = await eventsOf([row], 'success')
    expect(event?.attributes).toMatchObject({ operator: 'ann', why: 'CASE-17: a theft', detection: DETECTION })
  })

  test('--all gives one line of JSON and one event for each', async () => {
    const rows = await Promise.all([held(), held(), held()])
    const [stale, done] = [await held({ reason: 'stale' }), await held({ state: 'done', reason: undefined })]
    const filters = ['--all', '--reason', 'cap', '--detection', DETECTION, '--since', SINCE]
    const { code, out, err } = await run('approve', ...filters, '--why', 'CASE-17', '--json')
    expect(code, err).toBe(0)
    expect(rowsIn(out).map(({ id, state }) => `${id} ${state}`)).toEqual(
      expect.arrayContaining(rows.map(({ id }) => `${id} done`)),
    )
    expect(lines(out)).toHaveLength(3)
    expect(lines(err).at(-1)).toMatch(/^3 of 3 done in .+\.$/)
    expect(err).not.toContain('"evt"')
    for (const { token } of rows) expect(await isAlive(token)).toBe(false)
    for (const other of [stale, done]) {
      expect(await isAlive(other.token)).toBe(true)
      expect(await rowOf(other)).toMatchObject({ state: other.state, attempts: 0 })
    }
    expect(await eventsOf(rows, 'success')).toHaveLength(3)
  })

  test('as a dry run changes nothing', async () => {
    const row = await held()
    const { code, out, err } = await run('approve', '--all', '--detection', DETECTION, '--why', 'x', '--dry-run')
    expect({ code, err }).toEqual({ code: 0, err: 'Would act on 1 of 1; changed nothing.\n' })
    expect(out).toContain(row.id.slice(0, 12))
    expect(await rowOf(row)).toMatchObject({ state: 'held' })
    expect(await isAlive(row.token)).toBe(true)
  })

  test('refuses rows that are not held and carries out the others', async () => {
    const [row, done] = [await held(), await held({ state: 'done', reason: undefined })]
    const { code, out, err } = await run('approve', row.id, done.id, 'no-such-id', '--json')
    expect(code).toBe(1)
    expect(rowsIn(out)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: row.id, state: 'done' }),
        expect.objectContaining({ id: done.id, error: 'it is done, not held' }),
      ]),
    )
    expect(err).toContain('No containment begins with no-such-id.')
    expect(err).toContain('1 of 2 done, 1 not possible in ')
    expect(await isAlive(done.token)).toBe(true)
  })

  test('an address that must not be blocked stays held and fails the command', async () => {
    const row = await held()
    const network = { detection: 'credential-stuffing', action: 'block_ip', scope: '@network:10.1.2.3' } as const
    const never: Containment = { ...row, ...network, id: row.id.replace(/^./, 'x'), reason: 'policy' }
    await functions.deps.stores.containments.claim(never)
    const { code, err } = await run('approve', never.id)
    expect(code).toBe(1)
    expect(err).toContain('it is held (policy)')
    expect(err.replaceAll('\n', ' ')).toContain('such a network is never blocked')
    for (const line of lines(err)) expect(line.length).toBeLessThanOrEqual(80)
  })
})

test('an event that the intake refuses is printed', async () => {
  const row = await held()
  const gone = await startDatadog({ port: 0, apiKey: 'lab-key', monitors: [], webhooks: [], variables: {} })
  await gone.close()
  Object.assign(functions.env, { DD_LOGS_URL: gone.intakeUrl })
  try {
    const { code, err } = await run('approve', row.id, '--why', 'CASE-17')
    expect(code).toBe(0)
    const [event] = lines(err).filter((line) => line.includes('"evt":"contain"'))
    expect(JSON.parse(event ?? '{}')).toMatchObject({ containment_id: row.id, operator: 'ann', why: 'CASE-17' })
  } finally {
    Object.assign(functions.env, { DD_LOGS_URL: datadog.intakeUrl })
  }
})

test('retry --all takes failed rows, and pending ones only with --state pending', async () => {
  const failed = await held({ state: 'failed', reason: 'policy_changed' })
  const pending = await held({ state: 'pending', reason: undefined })
  const filters = ['--all', '--detection', DETECTION, '--since', SINCE, '--why', 'CASE-17', '--json']
  expect(rowsIn((await run('retry', ...filters)).out)).toMatchObject([{ id: failed.id, state: 'done' }])
  expect(await rowOf(pending)).toMatchObject({ state: 'pending', attempts: 0 })
  const both = await run('retry', ...filters, '--state', 'pending')
  expect(rowsIn(both.out)).toMatchObject([{ id: pending.id, state: 'done', approved: true }])
  expect(await isAlive(pending.token)).toBe(false)
})

describe('undoing', () => {
  test('one row says what stays as it is', async () => {
    const row = await held({ state: 'done', reason: undefined, result: 'success', via: 'web' })
    const { code, err } = await run('undo', row.id, '--why', 'the office')
    expect({ code, err: err.replaceAll('\n', ' ') }).toEqual({
      code: 0,
      err: expect.stringContaining('stays revoked, because its two holders cannot be told apart'),
    })
  })

  test('all rows of a detection records who and why in each row and event', async () => {
    const rows = await Promise.all([held(), held({ state: 'done', reason: undefined, result: 'success', via: 'web' })])
    const { code } = await run(
      'undo',
      '--all',
      '--detection',
      DETECTION,
      '--since',
      SINCE,
      '--why',
      'it was the office',
    )
    expect(code).toBe(0)
    for (const row of rows) expect(await rowOf(row)).toMatchObject({ state: 'undone', why: 'it was the office' })
    const events = await eventsOf(rows, 'undone')
    expect(events.map(({ attributes }) => attributes.operator)).toEqual(['ann', 'ann'])
  })
})

describe('arguments', () => {
  test.each([
    [[], 'Missing command: list, show, watch, approve, retry, undo.'],
    [['aprove', 'a'], 'Unknown command "aprove". Did you mean "approve"?'],
    [['approve'], 'Missing ID. See "npm run contain -- list", or give --all.'],
    [['show'], 'Missing ID. See "npm run contain -- list".'],
    [['list', 'a'], 'list takes no ID: leave out a'],
    [['watch', '--all'], 'watch does not take --all'],
    [['approve', '--all'], 'Missing --why TEXT'],
    [['approve', '--all', '--why', '  '], '--why needs a value, and this one is empty.'],
    [['approve', '--all', 'a', '--why', 'x'], '--all or IDs, not both: a'],
    [['approve', 'a', '--state', 'held'], 'Filters need --all, list or watch'],
    [['approve', '--all', '--state', 'failed', '--why', 'x'], 'approve takes rows that are held, not failed'],
    [['undo', '--all', '--why', 'x'], 'undo --all needs a filter'],
    [['undo', '--all', '--state', 'undone', '--why', 'x'], 'not undone'],
    [['approve', 'a', '--why', 'x'.repeat(257)], '--why: must be at most 256 characters; it has 257'],
    [['list', '--state', 'open'], '--state open: must be one of pending, done'],
    [['list', '--reason', 'late'], '--reason late: must be one of cap'],
    [['list', '--since', 'yesterday'], '--since yesterday: must be a duration'],
    [['list', '--since', '2026-13-01T00:00:00Z'], '--since 2026-13-01T00:00:00Z: must be'],
    [['list', '--detection', 'session-resue'], 'Unknown detection "session-resue". Did you mean "session-reuse"?'],
    [['list', '--detection', "x' or 1"], "--detection x' or 1: must be the name of a detection"],
  ])('%j is refused before the ledger is opened', async (argv, message) => {
    await expect(run(...argv)).rejects.toThrow(message)
    await expect(run(...argv)).rejects.toBeInstanceOf(UsageError)
  })

  test('a terminal prompts for a missing reason; control characters do not reach the log', async () => {
    vi.stubEnv('ATO_OPERATOR', 'ann\n\u001b[31m')
    const signal = new AbortController().signal
    const answered = await readDecision(undefined, false, { signal }, async () => 'because\u0007 of it\r\n')
    expect(answered).toEqual({ operator: 'ann [31m', why: 'because of it' })
    const refuse = async () => expect.fail('It asked for a reason.')
    expect(await readDecision('given', false, { signal }, refuse)).toMatchObject({ why: 'given' })
    expect(await readDecision(undefined, false, { signal }, async () => '')).not.toHaveProperty('why')
    vi.stubEnv('ATO_OPERATOR', '')
    expect((await readDecision('x', true, { signal })).operator).toMatch(/./)
  })
})

describe('several rows at a time', () => {
  const rows = Array.from({ length: 40 }, (_, n) => ({ id: `row-${n}`, state: 'held' }) as Containment)
  const end = { isDone: () => true, find: async () => undefined }

  test('at most sixteen are under way; on a signal they are finished and the others are not begun', async () => {
    const stop = new AbortController()
    const begun: string[] = []
    const settled: string[] = []
    let underWay = 0
    let most = 0
    const left = await actOnAll(rows, {
      ...end,
      signal: stop.signal,
      async act(row) {
        begun.push(row.id)
        most = Math.max(most, ++underWay)
        if (begun.length === 20) stop.abort()
        await new Promise(setImmediate)
        underWay--
        return row
      },
      done: ({ row }) => void settled.push(row.id),
    })
    expect(most).toBe(16)
    expect(settled.toSorted()).toEqual(begun.toSorted())
    expect(begun.length).toBeGreaterThanOrEqual(20)
    expect(begun.length).toBeLessThan(36)
    expect([...begun, ...left.map(({ id }) => id)].toSorted()).toEqual(rows.map(({ id }) => id).toSorted())
  })

  test('a row that a store fails on is reported as failed, an approved one as left to the sweeper', async () => {
    const kinds: Record<string, string> = {}
    await actOnAll(rows.slice(0, 3), {
      ...end,
      signal: new AbortController().signal,
      async act(row) {
        if (row.id === 'row-0') return row
        throw new Error('Redis is away')
      },
      find: async (row) => (row.id === 'row-1' ? { ...row, state: 'pending', operator: 'ann' } : row),
      done: (item) => {
        kinds[item.row.id] = item.kind
      },
    })
    expect(kinds).toEqual({ 'row-0': 'done', 'row-1': 'left', 'row-2': 'failed' })
  })
})

describe('watching', () => {
  test('reports each new and changed row once, and continues after a failed read', async () => {
    const stop = new AbortController()
    const at = (second: number) => new Date(Date.UTC(2026, 2, 1, 12, 0, second))
    const row = (id: string, state: string, second: number) =>
      ({ id, state, updatedAt: at(second), attempts: second }) as unknown as Containment
    const looks: (Containment[] | Error)[] = [
      [row('old', 'held', 0)],
      [row('old', 'held', 0), row('new', 'pending', 2)],
      new Error('away'),
      [row('new', 'done', 4), row('old', 'done', 3)],
      [row('new', 'done', 5), row('old', 'done', 3)],
    ]
    const reported: string[] = []
    const failures: unknown[] = []
    await watch({
      async read() {
        const look = looks.shift()
        if (looks.length === 0) stop.abort()
        if (look instanceof Error) throw look
        return look ?? []
      },
      begun: () => void reported.push('begun'),
      report: ({ id, state }) => void reported.push(`${id} ${state}`),
      failed: (error) => void failures.push(error),
      everyMs: 0,
      now: () => at(5).getTime(),
      signal: stop.signal,
    })
    expect(reported).toEqual(['begun', 'new pending', 'old done', 'new done'])
    expect(failures).toHaveLength(1)
  })

  test('prints the changes of the ledger as lines of JSON until a signal', async () => {
    const stop = new AbortController()
    const before = await held()
    const [heard, begun] = [deferred<Containment>(), deferred<void>()]
    const io = {
      out: (text: string) => heard.resolve(JSON.parse(text)),
      err: () => begun.resolve(),
      signal: stop.signal,
    }
    const watching = runWith(io, 'watch', '--detection', DETECTION, '--json')
    await begun.promise
    const next = await held()
    const row = await heard.promise
    expect(row.id).toBe(next.id)
    expect(row.id).not.toBe(before.id)
    stop.abort()
    expect((await watching).code).toBe(0)
  })
})
