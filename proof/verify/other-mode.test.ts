import { type IndexedLog, readImportable } from 'alertproof'
import { expect, test } from 'vitest'
import { firesAt } from './other-mode.ts'

const MINUTE = 60_000
const NINE = Date.parse('2026-01-05T09:00:00.000Z')
const monitor = readImportable(
  JSON.stringify({
    name: 'Two from one address',
    type: 'log alert',
    query: 'logs("@evt:login").index("*").rollup("count").by("@ip").last("5m") > 1',
    message: 'x',
    options: { thresholds: { critical: 1 }, new_group_delay: 0, on_missing_data: 'resolve' },
  }),
  'detections/two/monitor.json',
)
const login = (afterMs: number, ip: string): IndexedLog => ({
  id: String(afterMs),
  timestamp: NINE + afterMs,
  attributes: { evt: 'login', ip },
})
/** As a search answers: the newest first. */
const found = [login(70_000, '192.0.2.1'), login(65_000, '203.0.113.9'), login(61_000, '203.0.113.9')]
const question = { monitor, group: { '@ip': '203.0.113.9' }, since: NINE }

test('every minute, the alert comes with the full minute after the event', () => {
  expect(firesAt({ ...question, cadenceSeconds: 60 }, found)).toBe(NINE + 2 * MINUTE)
})

test('at each event, it comes with the event', () => {
  expect(firesAt({ ...question, cadenceSeconds: undefined }, found)).toBe(NINE + 65_000)
})

test('an alert of another group, or from before the run, does not count', () => {
  expect(firesAt({ ...question, group: { '@ip': '192.0.2.1' }, cadenceSeconds: 60 }, found)).toBeUndefined()
  expect(firesAt({ ...question, since: NINE + 3 * MINUTE, cadenceSeconds: 60 }, found)).toBeUndefined()
})
