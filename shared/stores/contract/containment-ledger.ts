import { createHash, randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Containment, ContainmentLedger } from '../port.ts'

const NOW = new Date('2026-03-01T12:00:00.123Z')
const LATER = new Date('2026-03-01T12:00:01.456Z')

/** What holds for every containment ledger. @param fresh a ledger that holds nothing, at each call */
export function containmentLedgerContract(fresh: () => ContainmentLedger): void {
  const ledger = fresh()

  function pending(over: Partial<Containment> = {}): Containment {
    const [cycle, scope] = [randomUUID(), `@network:203.0.113.${Math.floor(Math.random() * 256)}`]
    return {
      id: createHash('sha256').update(`${cycle} ${scope}`).digest('hex'),
      detection: 'credential-stuffing',
      ...{ cycle, scope },
      action: 'block_ip',
      state: 'pending',
      alertId: '123',
      ...{ alertedAt: NOW, createdAt: NOW, updatedAt: NOW },
      attempts: 0,
      ...over,
    }
  }
  async function claimed(over: Partial<Containment> = {}, into = ledger) {
    const containment = pending(over)
    expect(await into.claim(containment)).toBe(true)
    return containment
  }

  describe('retention', () => {
    test('removes what was last touched before, no more than asked for, and nothing that is pending', async () => {
      const aged = fresh()
      const [done, waiting, young] = [
        await claimed({ state: 'done' }, aged),
        await claimed({}, aged),
        await claimed({ state: 'done', updatedAt: LATER }, aged),
      ]
      await claimed({ state: 'held' }, aged)
      expect(await aged.purge(LATER, 1)).toBe(1)
      expect(await aged.purge(LATER, 10)).toBe(1)
      expect(await aged.purge(LATER, 10)).toBe(0)
      expect(await aged.find(done.detection, done.id)).toBeUndefined()
      expect((await aged.list({})).map(({ id }) => id).sort()).toEqual([waiting.id, young.id].sort())
    })
  })

  describe('a containment', () => {
    test('is claimed by one of many', async () => {
      const containment = pending()
      const claims = Array.from({ length: 10 }, (_, attempts) => ledger.claim({ ...containment, attempts }))
      expect((await Promise.all(claims)).filter(Boolean)).toHaveLength(1)
      expect(await ledger.claim({ ...containment, state: 'done' })).toBe(false)
      expect(await ledger.find(containment.detection, containment.id)).toMatchObject({ state: 'pending' })
    })

    test('is found as it was claimed, under its own detection only', async () => {
      const full = {
        ...({ result: 'noop', reason: 'stale', via: 'direct', userId: randomUUID(), expiresAt: LATER } as const),
        ...{ operator: 'ann', why: 'the right people, "all" of them' },
      }
      const [short, long] = [await claimed(), await claimed(full)]
      expect(await ledger.find(short.detection, short.id)).toEqual(short)
      expect(await ledger.find(long.detection, long.id)).toEqual(long)
      expect(await ledger.find('session-reuse', short.id)).toBeUndefined()
    })

    test('is moved on from a state that was named, and from no other', async () => {
      const containment = await claimed({ reason: 'cap' })
      const { reason: _, ...rest } = containment
      const done: Containment = { ...rest, state: 'done', result: 'success', updatedAt: LATER, attempts: 1 }
      expect(await ledger.update(done, ['held', 'failed'])).toBe(false)
      expect(await ledger.find(containment.detection, containment.id)).toEqual(containment)
      expect(await ledger.update(done, ['held', 'pending'])).toBe(true)
      expect(await ledger.find(containment.detection, containment.id)).toEqual(done)
      expect(await ledger.update(done, [])).toBe(false)
    })

    test('is moved on by one of many', async () => {
      const containment = await claimed()
      const moves = Array.from({ length: 10 }, (_, attempts) =>
        ledger.update({ ...containment, state: 'done', attempts }, ['pending']),
      )
      const results = await Promise.all(moves)
      expect(results.filter(Boolean)).toHaveLength(1)
      const attempts = results.indexOf(true)
      expect(await ledger.find(containment.detection, containment.id)).toMatchObject({ state: 'done', attempts })
    })

    test('that was never claimed cannot be moved on', async () => {
      const containment = pending()
      expect(await ledger.update({ ...containment, state: 'done' }, ['pending'])).toBe(false)
      expect(await ledger.find(containment.detection, containment.id)).toBeUndefined()
    })
  })

  describe('the list of containments', () => {
    test('holds those of every detection that are in a named state, newest first', async () => {
      const own = fresh()
      const old = await claimed({ createdAt: NOW }, own)
      const held = await claimed({ state: 'held', detection: 'session-reuse', createdAt: LATER }, own)
      await claimed({ state: 'closed' }, own)
      const ids = async (filter: Parameters<ContainmentLedger['list']>[0]) =>
        (await own.list(filter)).map(({ id }) => id)
      expect(await ids({ states: ['pending', 'held'] })).toEqual([held.id, old.id])
      expect(await ids({ states: ['pending', 'held'], limit: 1 })).toEqual([held.id])
      expect(await ids({ states: ['failed'] })).toEqual([])
      expect(await ids({ states: [] })).toEqual([])
      expect(await ids({})).toHaveLength(3)
      expect(await own.list({ states: ['pending'] })).toEqual([old])
    })
  })
}
