import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { withBudget } from '../../shared/bounded.ts'
import { connectRedis, connectTables } from '../../shared/stores/connect.ts'
import { LIFETIMES } from '../../shared/stores/contract/live-sessions.ts'
import { createMemoryTables } from '../../shared/stores/memory/tables.ts'
import type { SessionLedger } from '../../shared/stores/port.ts'
import { createLiveSessions } from '../../shared/stores/redis/live-sessions.ts'
import { mapLimited } from '../../shared/stores/tables/entity.ts'
import { createSessionLedger } from '../../shared/stores/tables/session-ledger.ts'
import { unchecked } from '../../shared/unchecked.ts'
import { settled } from '../testing/functions.ts'
import { newRun, type Run } from './run.ts'
import { sweepSessions } from './sessions.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const { redis, close } = connectRedis(inject('redisUrl'))
afterAll(close)
const live = createLiveSessions(redis, LIFETIMES)

const PAGE = 4
let ledger: SessionLedger
beforeEach(() => {
  const prefix = `s${randomUUID().slice(0, 13).replaceAll('-', '')}`
  const { tables } = connectTables(inject('tablesConnection'), { prefix })
  ledger = settled(createSessionLedger(tables, { pageRows: PAGE }))
})

/** Rows a day old, of sessions that Redis does not have. */
async function openRows(count: number) {
  const sessions = Array.from({ length: count }, (_, n) => ({
    userId: randomUUID(),
    sid: randomBytes(16).toString('base64url'),
    state: 'active' as const,
    issuedAt: new Date(NOW - 86_400_000 + n),
    absoluteExpiry: new Date(NOW),
    deviceHash: 'd',
    device: 'firefox on linux',
    ip: '203.0.113.7',
    via: 'web' as const,
  }))
  await withBudget(60_000, () => mapLimited(sessions, 4, (session) => ledger.open(session)), { callMs: 8_000 })
  return sessions
}
/** A run of its own, that is over before it looks at one more page. */
function runOf(pages = Number.POSITIVE_INFINITY, fence = 1): Run {
  let asked = 0
  return { ...newRun(60_000, undefined), fence, over: () => asked++ >= pages }
}
async function sweepOnce(run: Run, sessions = live) {
  // As patient as a sweep: many tests share the stores.
  await withBudget(60_000, () => sweepSessions({ sessions, ledger, now: () => NOW }, run), { callMs: 8_000 })
  return run.swept
}

describe('a session that is being opened', () => {
  it.each([-20, 0, 20])('is left alone for a minute by a sweeper whose clock is %i minutes ahead', async (minutes) => {
    let time = NOW
    ledger = createSessionLedger(createMemoryTables({ now: () => time }))
    const [session] = await openRows(1)
    const pass = () => sweepSessions({ sessions: live, ledger, now: () => time + minutes * 60_000 }, runOf())
    const stateOf = async () => (await ledger.locate(session?.sid ?? ''))?.state
    time += 59_999
    await pass()
    expect(await stateOf()).toBe('active')
    time += 1
    await pass()
    expect(await stateOf()).toBe('expired')
  })
})

describe('a pass over the open sessions', () => {
  it('continues in the next run where this one stopped, and starts again when it is over', async () => {
    await openRows(3 * PAGE + 2)
    const readMany: typeof live.readMany = async (sids) => sids.map((sid) => unchecked({ sid }))
    const alive = { ...live, readMany }
    expect(await sweepOnce(runOf(2), alive)).toMatchObject({ sessions: 2 * PAGE, expired: 0, complete: false })
    expect(await ledger.progress()).toMatchObject({ seen: 2 * PAGE, startedAt: new Date(NOW) })
    expect(await sweepOnce(runOf(1), alive)).toMatchObject({ sessions: PAGE, complete: false })
    expect(await sweepOnce(runOf(), alive)).toMatchObject({ sessions: 2, complete: true })
    expect(await ledger.progress()).not.toHaveProperty('after')
    expect(await sweepOnce(runOf())).toMatchObject({ sessions: 3 * PAGE + 2, expired: 3 * PAGE + 2, complete: true })
    expect(await sweepOnce(runOf())).toMatchObject({ sessions: 0, complete: true })
  })

  it('loses no more than ten pages to a run that is killed', async () => {
    await openRows(11 * PAGE)
    let pages = 0
    const dying = {
      ...live,
      readMany: async (...asked: Parameters<typeof live.readMany>) => {
        if (++pages > 10) throw new Error('killed')
        return live.readMany(...asked)
      },
    }
    await expect(sweepOnce(runOf(), dying)).rejects.toThrow('killed')
    expect(await ledger.progress()).toMatchObject({ seen: 10 * PAGE })
    expect(await sweepOnce(runOf())).toMatchObject({ sessions: PAGE, expired: PAGE, complete: true })
  })

  it('is not held up by a page that fails, which is looked at again in the next pass', async () => {
    await openRows(3 * PAGE)
    let pages = 0
    const stumbling = {
      ...live,
      readMany: async (...asked: Parameters<typeof live.readMany>) => {
        if (++pages === 2) throw new Error('away')
        return live.readMany(...asked)
      },
    }
    const run = runOf()
    await expect(sweepOnce(run, stumbling)).rejects.toThrow('away')
    expect(run.swept).toMatchObject({ sessions: 3 * PAGE, expired: 2 * PAGE, complete: true })
    expect(await sweepOnce(runOf())).toMatchObject({ sessions: PAGE, expired: PAGE })
  })

  it('ends while a store is unavailable, and continues from there', async () => {
    await openRows(8 * PAGE)
    let pages = 0
    const dying = {
      ...live,
      readMany: async (...asked: Parameters<typeof live.readMany>) => {
        if (++pages > 2) throw new Error('away')
        return live.readMany(...asked)
      },
    }
    const run = runOf()
    await expect(sweepOnce(run, dying)).rejects.toThrow('away')
    expect(pages).toBe(5)
    expect(run.swept).toMatchObject({ expired: 2 * PAGE, complete: false })
    expect(await sweepOnce(runOf())).toMatchObject({ sessions: 6 * PAGE, expired: 6 * PAGE, complete: true })
  })

  it('does not return to the position of a sweeper that has lost its lease', async () => {
    await openRows(3 * PAGE)
    const readMany: typeof live.readMany = async (sids) => sids.map((sid) => unchecked({ sid }))
    const alive = { ...live, readMany }
    await sweepOnce(runOf(2, 7), alive)
    await sweepOnce(runOf(1, 6), alive)
    expect(await ledger.progress()).toMatchObject({ fence: 7, seen: 2 * PAGE })
  })

  it('is worked on one page at a time', async () => {
    await openRows(3 * PAGE)
    let open = 0
    const one = {
      ...live,
      readMany: async (...asked: Parameters<typeof live.readMany>) => {
        expect(++open).toBe(1)
        expect(asked[0].length).toBeLessThanOrEqual(PAGE)
        const found = await live.readMany(...asked)
        open--
        return found
      },
    }
    expect(await sweepOnce(runOf(), one)).toMatchObject({ expired: 3 * PAGE })
  })
})
