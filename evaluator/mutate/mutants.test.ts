import { expect, test } from 'vitest'
import { readMonitor } from '../api.ts'
import { mutantsOf, printQuery } from './mutants.ts'

const monitorOf = (query: string, options: object = {}) =>
  readMonitor({ name: 'm', type: 'log alert', query, message: 'm', options })
const namesOf = (query: string, options?: object, named = ['a', 'b']) =>
  mutantsOf(monitorOf(query, options), { named, counted: named }).map(({ name }) => name)

test('slips of a query with a measure, several facets and a window between the usual ones', () => {
  const names = namesOf('logs("@n:>=5 host:web").index("main").rollup("avg", "@d").by("@a,host").last("7m") >= 20', {
    thresholds: { critical: 20, warning: 10 },
  })
  expect(names).toEqual(
    expect.arrayContaining([
      'search: @n:>=5 → @n:>5',
      'search: host:web → host:other',
      'threshold: 20 → 18',
      'threshold: 20 → 22',
      'warning: 10 → 9',
      'warning: 10 → none',
      'window: 7m → 5m',
      'window: 7m → 10m',
      'by: @a,host → host',
      'by: @a,host → @a',
      'by: @a,host → a,host',
      'by: @a,host → @b,host',
      'by: @a,host → @a,host,@b',
      'rollup: avg @d → count',
      'rollup: avg @d → max @d',
      'rollup: avg @d → avg @b',
      'new_group_delay: 60 → 0',
      'evaluation_delay: 0 → 300',
    ]),
  )
  expect(new Set(names).size).toBe(names.length)
})

test('slips that the API refuses are not made', () => {
  const options = { thresholds: { critical: 5, warning: 4 }, renotify_interval: 10, renotify_occurrences: 2 }
  const names = namesOf('logs("*").index("*").rollup("count").by("@a").last("5m") > 5', options)
  // The warning threshold would be the critical one, or beyond it.
  expect(names).not.toContain('warning: 4 → 5')
  expect(names).not.toContain('threshold: 5 → 4')
  expect(names).not.toContain('operator: > → <')
  expect(names).toContain('renotify_interval: 10 → 0')
  expect(namesOf('logs("*").rollup("count").last("5m") > 5')).not.toContain('new_group_delay: 60 → 0')
})

test('a mutant differs in one place, which is shown as it was and as it is', () => {
  const monitor = monitorOf('logs("a \\"b c\\"").index("x").rollup("count").last("2h") > 5', { evaluation_delay: 60 })
  const query = 'logs("a AND \\"b c\\"").index("x").rollup("count").last("2h") > 5'
  expect(printQuery(monitor.parsed)).toBe(query)
  const mutants = mutantsOf(monitor, { named: [], counted: [] })
  expect(mutants.find(({ name }) => name === 'threshold: 5 → 6')).toMatchObject({
    place: 'query',
    before: query,
    after: query.replace('> 5', '> 6'),
  })
  expect(mutants.find(({ name }) => name === 'evaluation_delay: 60 → 360')).toMatchObject({
    place: 'options.evaluation_delay',
    before: '60',
    after: '360',
  })
  for (const { monitor: mutant, before, after } of mutants) {
    expect(after).not.toBe(before)
    expect(printQuery(readMonitor({ ...mutant, tags: [] }).parsed)).toBe(printQuery(mutant.parsed))
  }
})
