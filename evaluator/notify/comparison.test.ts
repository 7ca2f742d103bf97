import { expect, test } from 'vitest'
import { readMonitor } from '../api.ts'
import { comparisonText } from './comparison.ts'

const monitorOf = (query: string, options = {}) =>
  readMonitor({ name: 'a', type: 'log alert', message: '', tags: [], query, options })

test.each([
  ['logs("x").index("*").rollup("count").last("5m") > 10', 11, '11 events > 10'],
  ['logs("x").index("*").rollup("count").last("5m") < 2', 1, '1 event < 2'],
  ['logs("x").index("*").rollup("cardinality","@ip").last("5m") >= 2', 2, '2 values of @ip >= 2'],
  ['logs("x").index("*").rollup("avg","@duration").last("5m") > 0.3', 1 / 3, 'avg of @duration 0.333333 > 0.3'],
])('%s compares %d', (query, value, text) => {
  expect(comparisonText(monitorOf(query), value)).toBe(text)
})
