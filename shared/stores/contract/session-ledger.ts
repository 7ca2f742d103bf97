import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { EndedSession, LedgerSession, OpenSession, SessionLedger } from '../port.ts'
import { mapLimited } from '../tables/entity.ts'

const NOW = new Date('2026-03-01T12:00:00.123Z')
const LATER = new Date('2026-03-01T13:00:00.456Z')
/** Between two of many sessions. */
const SPREAD_MS = 30

/** What holds for every session ledger. @param fresh a ledger that holds nothing, at each call */
export function sessionLedgerContract(fresh: () => SessionLedger): void {
  const ledger = fresh()

  const row = (over: Partial<LedgerSession> = {}): LedgerSession => ({
    userId: randomUUID(),
    sid: randomBytes(16).toString('base64url'),
    state: 'active',
    issuedAt: NOW,
    absoluteExpiry: new Date(NOW.getTime() + 86_400_000),
    deviceHash: 'd'.repeat(32),
    device: 'firefox on linux',
    ip: '203.0.113.7',
    via: 'web',
    ...over,
  })
  async function opened(over: Partial<LedgerSession> = {}, into = ledger) {
    const session = row(over)
    await into.open(session)
    return session
  }
  const openOf = ({ userId, sid, issuedAt, absoluteExpiry }: LedgerSession): OpenSession => ({
    userId,
    sid,
    issuedAt,
    absoluteExpiry,
  })
  async function pagesOf(from: SessionLedger) {
    const pages: OpenSession[][] = []
    for await (const { sessions } of from.openPages()) pages.push(sessions)
    return pages
  }
  async function endedIn(from: SessionLedger, since: Date) {
    const pages: EndedSession[] = []
    for await (const page of from.endedPages(since)) pages.push(...page)
    return pages
  }
  /** Over several seconds, a few at a time: a call that waits for its turn has the same limit as one that is answered slowly. */
  const many = (count: number, into: SessionLedger) =>
    mapLimited([...Array(count).keys()], 16, (n) =>
      opened({ issuedAt: new Date(NOW.getTime() + ((n * 7) % count) * SPREAD_MS) }, into),
    )

  describe('sessions that were ended before their time', () => {
    test('are listed with what ended them, by when they were issued', async () => {
      const kept = fresh()
      const at = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000)
      const [old, left, stolen, expired] = [
        await opened({ issuedAt: at(-1) }, kept),
        await opened({ issuedAt: at(0) }, kept),
        await opened({ issuedAt: at(1) }, kept),
        await opened({ issuedAt: at(2) }, kept),
      ]
      await opened({ issuedAt: at(3) }, kept)
      const why = { reason: 'contained', containmentId: 'c-1' } as const
      await kept.close(old.userId, old.sid, { state: 'revoked', at: at(9), reason: 'forked' })
      await kept.close(stolen.userId, stolen.sid, { state: 'revoked', at: at(9), ...why })
      await kept.close(left.userId, left.sid, { state: 'ended', at: at(8) })
      await kept.close(expired.userId, expired.sid, { state: 'expired', at: at(9) })
      expect(await endedIn(kept, at(0))).toEqual([
        { userId: left.userId, sid: left.sid, state: 'ended', endedAt: at(8) },
        { userId: stolen.userId, sid: stolen.sid, state: 'revoked', endedAt: at(9), ...why },
      ])
      expect(await endedIn(kept, at(2))).toEqual([])
    })
  })

  describe('retention', () => {
    test('removes what was issued before, oldest first and no more than asked for, with all that leads to it', async () => {
      const aged = fresh()
      const at = (days: number) => new Date(NOW.getTime() + days * 86_400_000)
      const [old, older, young] = [
        await opened({ issuedAt: at(2) }, aged),
        await opened({ issuedAt: at(1) }, aged),
        await opened({ issuedAt: at(3) }, aged),
      ]
      await aged.close(old.userId, old.sid, { state: 'ended', at: at(2) })
      expect(await aged.purge(at(3), 1)).toBe(1)
      expect(await aged.find(older.userId, older.sid)).toBeUndefined()
      expect(await aged.locate(older.sid)).toBeUndefined()
      expect(await aged.locate(old.sid)).toMatchObject({ state: 'ended' })
      expect(await aged.purge(at(3), 10)).toBe(1)
      expect(await aged.purge(at(3), 10)).toBe(0)
      expect(await aged.listByUser(old.userId)).toEqual([])
      expect((await pagesOf(aged)).flat()).toEqual([openOf(young)])
      expect(await endedIn(aged, new Date(0))).toEqual([])
    })

    test('removes sessions that ran out, whoever found it, and what is left in the index of one without a row', async () => {
      const aged = fresh()
      const [swept, presented] = [await opened({}, aged), await opened({}, aged)]
      const lost = row({ deviceHash: 'd'.repeat(70_000) })
      await aged.open(lost).catch(() => undefined)
      await aged.close(presented.userId, presented.sid, { state: 'expired', at: LATER })
      await aged.expire([openOf(swept), openOf(lost)], LATER)
      expect(await pagesOf(aged)).toEqual([])
      expect(await aged.locate(swept.sid)).toMatchObject({ state: 'expired' })
      expect(await aged.purge(LATER, 10)).toBe(3)
      for (const { sid } of [swept, presented, lost]) expect(await aged.locate(sid)).toBeUndefined()
      expect(await aged.purge(LATER, 10)).toBe(0)
    })
  })

  describe('a session in the ledger', () => {
    test('is found by its user, by its sid alone, and among the sessions of its user', async () => {
      const session = await opened()
      const second = await opened({ userId: session.userId, via: 'api' })
      await opened()
      expect(await ledger.find(session.userId, session.sid)).toEqual(session)
      expect(await ledger.locate(session.sid)).toEqual(session)
      const listed = await ledger.listByUser(session.userId)
      expect(listed.map(({ sid }) => sid).sort()).toEqual([session.sid, second.sid].sort())
    })

    test('is among the recent ones of its user from the time that is asked for, with what it continues', async () => {
      const at = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000)
      const { userId, sid } = await opened({ issuedAt: at(-1) })
      const first = await opened({ userId, issuedAt: at(0) })
      const second = await opened({ userId, issuedAt: at(1), continues: sid, begunBy: 'reauthentication' })
      await opened()
      const { sessions, complete } = await ledger.listRecent(userId, at(0))
      const byAge = sessions.toSorted((a, b) => a.issuedAt.getTime() - b.issuedAt.getTime())
      expect([byAge, complete]).toEqual([[first, second], true])
      expect(await ledger.listRecent(randomUUID(), at(0))).toEqual({ sessions: [], complete: true })
    })

    test('is not found under another user or another sid', async () => {
      const session = await opened()
      expect(await ledger.find(randomUUID(), session.sid)).toBeUndefined()
      expect(await ledger.find(session.userId, `${session.sid}x`)).toBeUndefined()
      expect(await ledger.locate(`${session.sid}x`)).toBeUndefined()
      expect(await ledger.listByUser(randomUUID())).toEqual([])
    })

    test('cannot be opened twice, nor by that come back to life', async () => {
      const session = await opened()
      await ledger.close(session.userId, session.sid, { state: 'ended', at: LATER })
      await expect(ledger.open(session)).rejects.toMatchObject({ statusCode: 409 })
      expect(await ledger.find(session.userId, session.sid)).toMatchObject({ state: 'ended' })
    })

    test('keeps what it was and why it ended, and is still located', async () => {
      const session = await opened()
      const end = { state: 'revoked', at: LATER, reason: 'contained', containmentId: 'c-1' } as const
      expect(await ledger.close(session.userId, session.sid, end)).toBe(true)
      const expected = { ...session, state: 'revoked', endedAt: LATER, reason: 'contained', containmentId: 'c-1' }
      expect(await ledger.find(session.userId, session.sid)).toEqual(expected)
      expect(await ledger.locate(session.sid)).toEqual(expected)
    })

    test('is closed by one of many, and stays as that one left it', async () => {
      const session = await opened()
      const endings = (['contained', 'forked', 'ended_elsewhere', 'password_changed'] as const).map((reason) => ({
        reason,
        closed: ledger.close(session.userId, session.sid, { state: 'revoked', at: LATER, reason }),
      }))
      const winners = (await Promise.all(endings.map(async (one) => ((await one.closed) ? [one.reason] : [])))).flat()
      expect(winners).toHaveLength(1)
      expect(await ledger.find(session.userId, session.sid)).toMatchObject({ reason: winners[0] })
      expect(await ledger.close(session.userId, session.sid, { state: 'expired', at: LATER })).toBe(false)
      expect(await ledger.find(session.userId, session.sid)).toMatchObject({ state: 'revoked' })
    })

    test('that was never opened cannot be closed', async () => {
      expect(await ledger.close(randomUUID(), 'unknown', { state: 'ended', at: LATER })).toBe(false)
    })
  })

  describe('how far a sweep has come', () => {
    test('is kept, and by nobody with an earlier fence', async () => {
      const own = fresh()
      expect(await own.progress()).toBeUndefined()
      const half = { fence: 1_772_366_400_000, startedAt: NOW, seen: 700, after: '2026-03-01T120000.123Z-ab' }
      expect(await own.keepProgress(half)).toBe(true)
      expect(await own.progress()).toEqual(half)
      expect(await own.keepProgress({ ...half, fence: half.fence - 1, after: 'earlier' })).toBe(false)
      expect(await own.keepProgress({ ...half, seen: 800 })).toBe(true)
      const { after: _, ...over } = { ...half, fence: half.fence + 1, seen: 900 }
      expect(await own.keepProgress(over)).toBe(true)
      expect(await own.progress()).toEqual(over)
      expect(await pagesOf(own)).toEqual([])
    })
  })

  describe('the open sessions', () => {
    test('come oldest first, and are read on from any page', async () => {
      const own = fresh()
      expect(await pagesOf(own)).toEqual([])
      const sessions = await many(103, own)
      const pages = await pagesOf(own)
      let read = 0
      for await (const page of own.openPages()) {
        read += page.sessions.length
        const rest: OpenSession[] = []
        for await (const later of own.openPages(page.next)) rest.push(...later.sessions)
        expect(rest).toEqual(pages.flat().slice(read))
      }
      const times = pages.flat().map(({ issuedAt }) => issuedAt.getTime())
      expect(times).toEqual([...times].sort((a, b) => a - b))
      expect(new Set(pages.flat().map(({ sid }) => sid))).toEqual(new Set(sessions.map(({ sid }) => sid)))
    })

    test('that were opened just now are not settled, whatever time their host has', async () => {
      const own = fresh()
      await opened({}, own)
      await opened({ issuedAt: new Date(NOW.getTime() - 20 * 60_000) }, own)
      for await (const page of own.openPages()) expect(page).toMatchObject({ sessions: [{}, {}], settled: [] })
    })

    test('are those that are not closed', async () => {
      const own = fresh()
      const [one, other] = [await opened({}, own), await opened({}, own)]
      await own.close(one.userId, one.sid, { state: 'ended', at: LATER })
      expect(await pagesOf(own)).toEqual([[openOf(other)]])
    })

    test('can be expired page by page while they are read', async () => {
      const own = fresh()
      await many(103, own)
      let expired = 0
      for await (const { sessions } of own.openPages()) expired += await own.expire(sessions, LATER)
      expect(expired).toBe(103)
      expect(await pagesOf(own)).toEqual([])
    })

    test('are expired once by two sweepers at the same time', async () => {
      const own = fresh()
      const sessions = await many(30, own)
      const [page = []] = await pagesOf(own)
      const counts = await Promise.all([own.expire(page, LATER), own.expire(page, LATER)])
      expect(counts[0] + counts[1]).toBe(30)
      expect(await pagesOf(own)).toEqual([])
      for (const { userId, sid } of sessions.slice(0, 3)) {
        expect(await own.find(userId, sid)).toMatchObject({ state: 'expired', endedAt: LATER })
      }
      expect(await own.expire(page, LATER)).toBe(0)
    })

    test('that are closed between reading and expiring stay as they were closed', async () => {
      const own = fresh()
      const [one, other] = [await opened({}, own), await opened({}, own)]
      const [page = []] = await pagesOf(own)
      await own.close(one.userId, one.sid, { state: 'revoked', at: LATER, reason: 'contained' })
      expect(await own.expire(page, LATER)).toBe(1)
      expect(await own.find(one.userId, one.sid)).toMatchObject({ state: 'revoked', reason: 'contained' })
      expect(await own.find(other.userId, other.sid)).toMatchObject({ state: 'expired' })
      expect(await pagesOf(own)).toEqual([])
    })

    test('need not be many to be expired, nor any', async () => {
      const own = fresh()
      const session = await opened({}, own)
      expect(await own.expire([], LATER)).toBe(0)
      expect(await own.expire([openOf(session), openOf(session)], LATER)).toBe(1)
      expect(await pagesOf(own)).toEqual([])
    })
  })
}
