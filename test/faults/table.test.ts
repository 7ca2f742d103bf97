import { expect, test } from 'vitest'
import type { Outcome } from './run.ts'
import type { Scenario } from './scenario.ts'
import { faultsIn, faultsPage, holds, markdownTable } from './table.ts'

const none = { victims: 20, lost: 0, doubled: 0, unreported: 0, wronglyDead: 0, wronglyAlive: 0, healMs: 12_300 }
const scenario: Scenario = { name: 'redis-full', fault: 'Redis full', injected: 'maxmemory', run: async () => none }
const good: Outcome = { kind: 'measured', scenario, row: none, ms: 1 }
const lost: Outcome = { ...good, row: { ...none, lost: 3, healMs: null, remark: 'a | b' } }
const broken: Outcome = { kind: 'broken', scenario, why: 'no lab' }
const skipped: Outcome = { kind: 'skipped', scenario, why: 'there is no redis-server' }

test('a run holds with zeros alone; a lost session or a scenario that broke fails it, a skipped one does not', () => {
  expect(holds([good, skipped])).toBe(true)
  expect(holds([good, lost])).toBe(false)
  expect(holds([good, broken])).toBe(false)
  expect(holds([])).toBe(false)
  expect(faultsIn(lost)).toEqual(['3 lost'])
  expect(faultsIn(broken)).toEqual(['no lab'])
})

test('each outcome is a row, and numbers other than 0 are bold', () => {
  expect(markdownTable([good, lost, skipped]).split('\n').slice(2)).toEqual([
    '| Redis full | maxmemory | 20 | 0 | 0 | 0 | 0 | 0 | 13 s |  |',
    '| Redis full | maxmemory | 20 | **3** | 0 | 0 | 0 | 0 | **never** | a \\| b |',
    '| Redis full | maxmemory | – | – | – | – | – | – | – | skipped: there is no redis-server |',
  ])
})

test('the page tells how to repeat the run', () => {
  const page = faultsPage([good], { seed: 7, victims: 20, redis: 'redis-server 7.0.15', node: '24.0.0' })
  expect(page).toContain(
    'Seed 7, 20 victims unless the fault asks for another number, Redis: redis-server 7.0.15, Node 24.0.0.',
  )
  expect(page).toContain('| Redis full | maxmemory | 20 |')
})
