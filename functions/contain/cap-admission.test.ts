import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { LIFETIMES } from '../../shared/stores/contract/live-sessions.ts'
import { createMemoryContainmentCap } from '../../shared/stores/memory/containment-cap.ts'
import type { Containment } from '../../shared/stores/port.ts'
import { createMemoryStores } from '../stores/memory-stores.ts'
import { containmentId } from './alert.ts'
import { admit, type CapDeps } from './cap.ts'
import { subjectOf } from './row.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const MINUTE_MS = 60_000
const LIMIT = 4

let deps: CapDeps & ReturnType<typeof createMemoryStores>
let life = ''
beforeEach(() => {
  const stores = createMemoryStores({ now: () => NOW, lifetimes: LIFETIMES })
  life = randomUUID()
  const sessions = { ...stores.sessions, incarnation: async () => life }
  deps = { ...stores, sessions, capLimit: LIMIT, capSourceShare: 2, now: () => NOW }
})
/** What Redis knew is gone, and it says so. */
function loseRedis() {
  life = randomUUID()
  deps = { ...deps, cap: createMemoryContainmentCap() }
}

let last = 0
function rowAbout(over: Partial<Containment> = {}): Containment {
  const [detection, cycle, scope] = ['credential-stuffing', randomUUID(), `@network:198.51.${++last}.1`]
  const at = new Date(NOW - MINUTE_MS)
  return {
    id: containmentId(detection, cycle, scope),
    detection,
    cycle,
    scope,
    action: 'block_ip',
    state: 'done',
    alertId: '1',
    alertedAt: at,
    createdAt: at,
    updatedAt: at,
    nextAt: at,
    attempts: 1,
    ...over,
  }
}
const ask = (row: Containment) => admit(row, subjectOf(row) ?? { kind: 'service' }, deps)
/** Asks, and leaves the row as it is then. */
async function pass(over: Partial<Containment> = {}) {
  const row = rowAbout(over)
  const admitted = await ask(row)
  await deps.containments.claim(admitted ? { ...row, admitted } : { ...row, state: 'held', reason: 'cap' })
  return { row, admitted }
}

describe('a cap whose Redis was lost within its window', () => {
  it('counts the containments that the ledger has as admitted, and not those it held', async () => {
    for (let n = 0; n < LIMIT + 2; n++) expect((await pass()).admitted).toBe(n < LIMIT)
    loseRedis()
    expect((await pass()).admitted).toBe(false)
    expect(await Promise.all([ask(rowAbout()), ask(rowAbout())])).toEqual([false, false])
  })

  it('has the remaining places, and admits again what it had admitted', async () => {
    const first = await pass()
    for (let n = 1; n < LIMIT - 1; n++) await pass()
    loseRedis()
    expect((await pass()).admitted).toBe(true)
    expect((await pass()).admitted).toBe(false)
    expect(await ask(first.row)).toBe(true)
  })

  it('counts neither approved containments nor those admitted before the window', async () => {
    const at = new Date(NOW - 11 * MINUTE_MS)
    for (let n = 0; n < LIMIT; n++) {
      await deps.containments.claim(rowAbout({ admitted: true, approved: true }))
      await deps.containments.claim(rowAbout({ admitted: true, createdAt: at }))
    }
    expect((await pass()).admitted).toBe(true)
  })

  it('keeps the share of each source', async () => {
    const fromOne = (host: number) => pass({ scope: `@network:203.0.113.${host}` })
    for (let n = 1; n <= LIMIT; n++) expect((await fromOne(n)).admitted).toBe(true)
    loseRedis()
    expect((await fromOne(9)).admitted).toBe(false)
    expect((await pass()).admitted).toBe(true)
    expect((await pass()).admitted).toBe(true)
    expect((await pass()).admitted).toBe(false)
  })

  it('is recounted at the next call if the ledger was unavailable', async () => {
    for (let n = 0; n < LIMIT; n++) await pass()
    loseRedis()
    const { containments } = deps
    deps = { ...deps, containments: { ...containments, list: () => Promise.reject(new Error('away')) } }
    await expect(ask(rowAbout())).rejects.toThrow('away')
    deps = { ...deps, containments }
    expect(await ask(rowAbout())).toBe(false)
  })
})
