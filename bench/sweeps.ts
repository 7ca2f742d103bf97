import { randomBytes, randomUUID } from 'node:crypto'
import { createMemoryStores } from '../functions/stores/memory-stores.ts'
import { newRun } from '../functions/sweep/run.ts'
import { type SweepSessionsDeps, sweepSessions } from '../functions/sweep/sessions.ts'
import type { LiveSession, OpenSession } from '../shared/stores/port.ts'
import { alternate, type Comparison } from './rounds.ts'

const LIFETIMES = { idleSeconds: 3_600, renewSeconds: 300, graceSeconds: 30 }
const HOUR_MS = 3_600_000
const ROWS = 10_000
const PAGE = 1_000
const NEVER_OVER_MS = 600_000

/**
 * Measures the sweeper over live open sessions: its rows per second against reading the same stores by pages only, and its
 * time for one of many rows against one of few.
 * @param many more rows than a store in one process can hold, so their pages are generated while they are read
 */
export async function benchSweep({ rounds, many }: { rounds: number; many: number }): Promise<Comparison[]> {
  const stores = await filledStores()
  const { a, b } = await alternate(
    rounds,
    () => rowsPerSecond(ROWS, () => sweepAll(stores, ROWS)),
    () => rowsPerSecond(ROWS, () => readAll(stores)),
  )
  const few = Math.min(ROWS, many)
  const costs = await alternate(
    rounds,
    () => microsecondsEach(many, 1),
    () => microsecondsEach(few, many / few),
  )
  const spelled = (rows: number) => rows.toLocaleString('en')
  return [
    {
      name: 'sweeper over its stores',
      measured: { what: `sweeper, ${spelled(ROWS)} open sessions in memory`, unit: 'rows/s', rounds: a },
      peer: { what: 'the same rows and sessions, read by the page', unit: 'rows/s', rounds: b },
      bound: { atLeast: 0.8 },
    },
    {
      name: `sweeper's row of ${spelled(many)} over one of ${spelled(few)}`,
      measured: { what: `sweeper, CPU for one of ${spelled(many)} rows`, unit: 'µs', rounds: costs.a },
      peer: { what: `sweeper, CPU for one of ${spelled(few)} rows`, unit: 'µs', rounds: costs.b },
      bound: { atMost: 1.2 },
    },
  ]
}

async function sweepAll(deps: SweepSessionsDeps, rows: number): Promise<void> {
  const run = newRun(NEVER_OVER_MS, undefined)
  await sweepSessions(deps, run)
  if (run.swept.sessions !== rows || run.swept.expired > 0) throw new Error('the sweep did not see all rows as live')
}

/** Reads only the stores: each page of rows, and the live sessions of a page. */
async function readAll({ ledger, sessions, now }: SweepSessionsDeps): Promise<void> {
  for await (const page of ledger.openPages()) {
    const sids = page.sessions.map(({ sid }) => sid)
    const live = await sessions.readMany(sids, now())
    if (live.some((session) => session === undefined)) throw new Error('a session is missing')
  }
}

async function rowsPerSecond(rows: number, work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  return (rows * 1000) / (performance.now() - began)
}

/** @param times number of repetitions, so that few rows take as long as many */
async function microsecondsEach(rows: number, times: number): Promise<number> {
  const deps = endlessStores(rows)
  const before = process.cpuUsage()
  for (let time = 0; time < times; time++) await sweepAll(deps, rows)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / (rows * times)
}

function sessionOf(userId: string, sid: string, now: number): LiveSession {
  return {
    sid,
    userId,
    deviceHash: 'd'.repeat(32),
    amr: ['pwd'],
    acr: 'signed-in',
    authTime: now,
    epoch: 1,
    via: 'api',
    ip: '203.0.113.9',
    device: 'Firefox on Linux',
    absoluteExpiry: now + 24 * HOUR_MS,
    createdAt: now,
    lastSeenAt: now,
    gen: 1,
  }
}

/** The ports of a sweep over memory, with sessions that were opened ten minutes ago. */
async function filledStores(): Promise<SweepSessionsDeps> {
  const now = Date.now()
  const opened = now - 10 * 60_000
  let time = opened
  const stores = createMemoryStores({ now: () => time, lifetimes: LIFETIMES })
  for (let n = 0; n < ROWS; n++) {
    const session = sessionOf(randomUUID(), randomBytes(16).toString('base64url'), opened)
    const { userId, sid, deviceHash, device, ip, via, absoluteExpiry } = session
    const row = { userId, sid, deviceHash, device, ip, via, state: 'active' as const }
    await stores.ledger.open({ ...row, issuedAt: new Date(opened + n), absoluteExpiry: new Date(absoluteExpiry) })
    await stores.sessions.create(session, opened)
  }
  time = now
  return { ...stores, now: () => now }
}

/** A ledger with `rows` open rows, generated when their page is read, and a session for each. */
function endlessStores(rows: number): SweepSessionsDeps {
  const now = Date.now()
  const stores = createMemoryStores({ now: () => now, lifetimes: LIFETIMES })
  const [issuedAt, absoluteExpiry] = [new Date(now - 10 * 60_000), new Date(now + 24 * HOUR_MS)]
  const live = sessionOf('user', 'session', now)
  return {
    now: () => now,
    sessions: { ...stores.sessions, readMany: async (sids) => sids.map(() => live) },
    ledger: {
      ...stores.ledger,
      async *openPages() {
        for (let from = 0; from < rows; from += PAGE) {
          const row = (_: unknown, n: number): OpenSession => ({
            userId: `user-${from + n}`,
            sid: `session-${from + n}`,
            issuedAt,
            absoluteExpiry,
          })
          const sessions = Array.from({ length: Math.min(PAGE, rows - from) }, row)
          yield { sessions, settled: sessions, next: String(from) }
        }
      },
    },
  }
}
