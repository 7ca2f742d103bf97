import { createHash, randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Containment, ContainmentLedger, ContainmentState } from '../port.ts'

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
      cycle,
      scope,
      action: 'block_ip',
      state: 'pending',
      alertId: '123',
      alertedAt: NOW,
      createdAt: NOW,
      updatedAt: NOW,
      attempts: 0,
      nextAt: NOW,
      ...over,
    }
  }
  /** Moves a row on if it is in one of these states. */
  const move = (to: Containment, from: readonly ContainmentState[], into = ledger) =>
    into.revise(to.detection, to.id, ({ state }) => (from.includes(state) ? to : undefined))
  async function openIds(of: ContainmentLedger, now = LATER): Promise<string[]> {
    const ids: string[] = []
    for await (const page of of.openPages(now)) ids.push(...page.map(({ id }) => id))
    return ids
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
      const announce = { outcome: 'refused', requestId: randomUUID(), reason: 'stale', sessionsEnded: 0 } as const
      const full = {
        ...({ result: 'noop', reason: 'stale', via: 'direct', userId: randomUUID(), expiresAt: LATER } as const),
        renewedAt: LATER,
        nextAt: LATER,
        holder: randomUUID(),
        attempts: 7,
        admitted: true,
        recovered: true,
        approved: true,
        announce,
        operator: 'ann',
        why: 'the right people, "all" of them',
      }
      const [short, long] = [await claimed(), await claimed(full)]
      expect(await ledger.find(short.detection, short.id)).toEqual(short)
      expect(await ledger.find(long.detection, long.id)).toEqual(long)
      expect(await ledger.find('session-reuse', short.id)).toBeUndefined()
    })

    test('is moved on as its step says, and stays as it is where the step refuses', async () => {
      const { reason: _, ...rest } = await claimed({ reason: 'cap' })
      const held: Containment = { ...rest, reason: 'cap' }
      const done: Containment = { ...rest, state: 'done', result: 'success', updatedAt: LATER, attempts: 1 }
      expect(await move(done, ['held', 'failed'])).toBeUndefined()
      expect(await ledger.find(rest.detection, rest.id)).toEqual(held)
      expect(await move(done, ['held', 'pending'])).toEqual(done)
      expect(await ledger.find(rest.detection, rest.id)).toEqual(done)
      expect(await move(done, [])).toBeUndefined()
    })

    test('is moved on by one of many', async () => {
      const containment = await claimed()
      const moves = Array.from({ length: 10 }, (_, attempts) =>
        move({ ...containment, state: 'done', attempts }, ['pending']),
      )
      const results = await Promise.all(moves)
      expect(results.filter(Boolean)).toHaveLength(1)
      const attempts = results.findIndex(Boolean)
      expect(await ledger.find(containment.detection, containment.id)).toMatchObject({ state: 'done', attempts })
    })

    test('is judged anew by each of many, as the one before has left it', async () => {
      const { detection, id } = await claimed()
      const count = () => ledger.revise(detection, id, (row) => ({ ...row, attempts: row.attempts + 1 }))
      const written = await Promise.all(Array.from({ length: 5 }, count))
      expect(written.map((row) => row?.attempts).sort()).toEqual([1, 2, 3, 4, 5])
      expect(await ledger.find(detection, id)).toMatchObject({ attempts: 5 })
    })

    test('that was never claimed cannot be moved on', async () => {
      const containment = pending()
      expect(await move({ ...containment, state: 'done' }, ['pending'])).toBeUndefined()
      expect(await ledger.find(containment.detection, containment.id)).toBeUndefined()
    })

    test('is listed with the others of its detection and subject, whatever their state', async () => {
      const scope = `@sid:${randomUUID()}`
      const [one, two] = [await claimed({ scope }), await claimed({ scope, state: 'undone' })]
      await claimed({ scope, detection: 'session-reuse' })
      await claimed()
      const listed = await ledger.listOf(one.detection, scope)
      expect(listed.map(({ id }) => id).sort()).toEqual([one.id, two.id].sort())
      expect(await ledger.listOf(one.detection, `@sid:${randomUUID()}`)).toEqual([])
    })
  })

  describe('an open containment', () => {
    const announce = { outcome: 'success', requestId: randomUUID() } as const

    test.each<[string, Partial<Containment>]>([
      ['pending', {}],
      ['done, and its effect is to end', { state: 'done', expiresAt: LATER }],
      ['in any state, and its event is owed', { state: 'undone', announce }],
      ['held for its age alone: the clock may have been wrong', { state: 'held', reason: 'stale' }],
      ['a block that was undone, while somebody who was at it may block all the same', { state: 'undone' }],
    ])('is one that is %s', async (_, change) => {
      const own = fresh()
      const { id } = await claimed(change, own)
      expect(await openIds(own)).toEqual([id])
    })

    test.each<[string, Partial<Containment>]>([
      ['done', { state: 'done' }],
      ['held by the cap', { state: 'held', reason: 'cap' }],
      ['held for its age after it was acted on', { state: 'held', reason: 'stale', attempts: 1 }],
      ['failed', { state: 'failed', reason: 'policy_gone' }],
      ['undone, and never was a block', { state: 'undone', action: 'revoke' }],
      ['undone, and the time of its block is over', { state: 'undone', alertedAt: new Date(NOW.getTime() - 900_000) }],
      ['closed', { state: 'closed', reason: 'expired', expiresAt: LATER }],
    ])('does not include a row that is %s, at once or later', async (_, change) => {
      const own = fresh()
      await claimed(change, own)
      const later = await claimed({}, own)
      expect(await openIds(own)).toEqual([later.id])
      await move({ ...later, ...change }, ['pending'], own)
      expect(await openIds(own)).toEqual([])
    })

    test('is there again when it is opened again, whoever closed it', async () => {
      const own = fresh()
      const row = await claimed({}, own)
      for (let round = 0; round < 3; round++) {
        await move({ ...row, state: 'held', reason: 'cap' }, ['pending'], own)
        expect(await openIds(own)).toEqual([])
        await move(row, ['held'], own)
        expect(await openIds(own)).toEqual([row.id])
      }
    })

    test('is not lost to many who close and open it at the same time', async () => {
      const own = fresh()
      const row = await claimed({}, own)
      const turn = () =>
        own.revise(row.detection, row.id, (found) => ({
          ...found,
          state: found.state === 'pending' ? 'held' : 'pending',
        }))
      await Promise.all(Array.from({ length: 7 }, turn))
      await own.revise(row.detection, row.id, (found) => ({ ...found, state: 'pending' }))
      expect(await openIds(own)).toEqual([row.id])
    })

    test('comes the oldest first, in pages', async () => {
      const own = fresh()
      const made: Containment[] = []
      for (let n = 104; n >= 0; n--) made.push(pending({ createdAt: new Date(NOW.getTime() + n) }))
      await Promise.all(made.map((row) => own.claim(row)))
      const sizes: number[] = []
      for await (const page of own.openPages(LATER)) sizes.push(page.length)
      expect(sizes).toEqual([100, 5])
      expect(await openIds(own)).toEqual(made.map(({ id }) => id).reverse())
    })

    test('comes once, however many claimed it at different instants', async () => {
      const own = fresh()
      const row = await claimed({ createdAt: NOW }, own)
      expect(await own.claim({ ...row, createdAt: LATER })).toBe(false)
      expect(await openIds(own)).toEqual([row.id])
      await move({ ...row, state: 'closed' }, ['pending'], own)
      expect(await openIds(own)).toEqual([])
    })

    test('that was held for its age is left to a person after a day', async () => {
      const own = fresh()
      const { id } = await claimed({ state: 'held', reason: 'stale' }, own)
      expect(await openIds(own, new Date(NOW.getTime() + 86_399_999))).toEqual([id])
      expect(await openIds(own, new Date(NOW.getTime() + 86_400_000))).toEqual([])
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
      expect(await ids({ detection: 'session-reuse' })).toEqual([held.id])
      expect(await ids({ since: LATER })).toEqual([held.id])
    })

    test('holds those that were moved on since', async () => {
      const own = fresh()
      await claimed({}, own)
      const { id } = await claimed({ updatedAt: LATER }, own)
      expect(await own.list({ changedSince: LATER })).toMatchObject([{ id }])
      expect(await own.list({ changedSince: NOW })).toHaveLength(2)
    })

    test('holds those of a reason', async () => {
      const own = fresh()
      const { id } = await claimed({ state: 'held', reason: 'cap' }, own)
      await claimed({ state: 'held', reason: 'policy' }, own)
      expect(await own.list({ states: ['held'], reason: 'cap' })).toMatchObject([{ id }])
    })
  })
}
