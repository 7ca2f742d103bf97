import { expect, test } from 'vitest'
import { readMonitorJson } from './monitor-reading.ts'

const count = { data_source: 'logs', search: { query: '' }, compute: { aggregation: 'count' } }
const grouped = (facet: string) => ({ group_by: [{ facet }] })

function read(formula: string, variables: readonly object[]) {
  const query = `formula("${formula}").last("5m") > 1`
  const json = { name: 'n', type: 'log alert', query, message: 'm', options: { variables } }
  return readMonitorJson(json, { slug: 'n', file: 'f' }, false)
}

const findingsOf = (formula: string, variables: readonly object[]): string[] => {
  const { faults, refusals } = read(formula, variables)
  return [...faults, ...refusals].map(({ place, reason }) => `${place}: ${reason}`)
}

test.each<[what: string, formula: string, variables: object[], finding: RegExp]>([
  ['an unknown name', 'a + b', [{ name: 'a', ...count }], /^query: `b` is not the name of a query/],
  ['other data', 'a', [{ ...count, name: 'a', data_source: 'rum' }], /data_source: "rum" is not evaluated here/],
  ['data of no kind', 'a', [{ ...count, name: 'a', data_source: 'logz' }], /data_source: must be "logs"/],
  ['a function over time', 'week_before(a)', [{ name: 'a', ...count }], /^query: week_before\(\) is not evaluated/],
  ['an unknown function', 'sqrt(a)', [{ name: 'a', ...count }], /^query:10: sqrt\(\) is not a function/],
  ['no aggregation', 'a', [{ ...count, name: 'a', compute: {} }], /compute\.aggregation: must be one of count/],
  [
    'no measure',
    'a',
    [{ ...count, name: 'a', compute: { aggregation: 'avg' } }],
    /compute\.metric: "avg" needs a measure/,
  ],
  [
    'other facets',
    'a / b',
    [
      { name: 'a', ...count, ...grouped('@ip') },
      { name: 'b', ...count, ...grouped('host') },
    ],
    /variables\[1\]\.group_by: groups by host, and another query of the formula by @ip/,
  ],
  [
    'a limit of none',
    'a',
    [{ name: 'a', ...count, group_by: [{ facet: '@ip', limit: -1 }] }],
    /limit: must be a whole number/,
  ],
  ['an order of none', 'a', [{ name: 'a', ...count, group_by: [{ facet: '@ip', sort: { order: 'up' } }] }], /sort: /],
])('%s is reported by its place', (_, formula, variables, pattern) => {
  expect(findingsOf(formula, variables)).toEqual([expect.stringMatching(pattern)])
  expect(read(formula, variables).monitor).toBeUndefined()
})

test('a query without groups counts in all groups, and one that the formula does not use is reported and skipped', () => {
  const { monitor, notes } = read('a / b', [
    { name: 'a', ...count, ...grouped('@ip') },
    { name: 'b', ...count },
    { name: 'c', data_source: 'rum' },
  ])
  expect(monitor?.parsed.by.map(({ name }) => name)).toEqual(['@ip'])
  expect(notes.map(({ place }) => place)).toEqual(['options.variables[2].name'])
})
