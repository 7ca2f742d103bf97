import { expect, test } from 'vitest'
import { readRule } from '../api.ts'
import { ruleJsonOf, ruleMutantsOf } from './rule-mutants.ts'

const JSON_OF_RULE = {
  ...{ name: 'Guessing', message: '', type: 'log_detection', isEnabled: true },
  queries: [
    { name: 'failed', query: '@outcome:fail', aggregation: 'count', groupByFields: ['@ip', '@host'] },
    {
      name: 'devices',
      query: '*',
      aggregation: 'cardinality',
      distinctFields: ['@device'],
      groupByFields: ['@ip', '@host'],
    },
    { name: 'bytes', query: '*', aggregation: 'sum', metrics: ['@bytes'], groupByFields: ['@ip', '@host'] },
  ],
  cases: [
    { name: 'worst', status: 'critical', condition: '2 < failed && devices > 1 || bytes >= 10 * failed' },
    { name: 'bad', status: 'info', condition: 'failed > 0' },
  ],
  options: { detectionMethod: 'threshold', evaluationWindow: 60, keepAlive: 300, maxSignalDuration: 86400 },
}
const mutantsOf = (json: object) => ruleMutantsOf(readRule({ ...json }), { named: ['a'], counted: ['a'] })

test('slips of queries, groups, cases and options, each of which the API takes', () => {
  const mutants = mutantsOf(JSON_OF_RULE)
  const names = mutants.map(({ name }) => name)
  expect(names).toEqual(
    expect.arrayContaining([
      'search of failed: @outcome:fail → -@outcome:fail',
      'search of failed: @outcome:fail → outcome:fail',
      'counted of failed: count → cardinality @a',
      'counted of devices: cardinality @device → count',
      'counted of devices: cardinality @device → cardinality @a',
      'counted of bytes: sum @bytes → max @bytes',
      'groups: @ip,@host → @host',
      'groups: @ip,@host → @ip,@a',
      'case worst: 2 < failed && devices > 1 || bytes >= 10 * failed → 3 < failed && devices > 1 || bytes >= 10 * failed',
      'case worst: 2 < failed && devices > 1 || bytes >= 10 * failed → 2 < failed || devices > 1 || bytes >= 10 * failed',
      'case bad: failed > 0 → failed >= 0',
      'case worst: status critical → high',
      'case bad: status info → low',
      'without case bad',
      'evaluationWindow: 60 → 300',
      'keepAlive: 300 → 600',
      'maxSignalDuration: 86400 → 43200',
    ]),
  )
  expect(new Set(names).size).toBe(names.length)
  // A number below 0, and a window that is longer than the keep-alive, are refused.
  expect(names.filter((name) => name.includes('-1'))).toEqual([])
  expect(
    mutantsOf({ ...JSON_OF_RULE, options: { ...JSON_OF_RULE.options, keepAlive: 60 } }).map(({ name }) => name),
  ).not.toContain('evaluationWindow: 60 → 300')
})

test('a mutant differs in one place', () => {
  const before = ruleJsonOf(readRule(JSON_OF_RULE))
  for (const { rule, before: was, after } of mutantsOf(JSON_OF_RULE)) {
    expect(after).not.toBe(was)
    expect(ruleJsonOf(rule)).not.toEqual(before)
  }
})

test('a rule that is written out reads back to the same rule', () => {
  const json = { ...JSON_OF_RULE, groupSignalsBy: ['@host'] }
  const rule = readRule(json)
  expect(ruleJsonOf(readRule(ruleJsonOf(rule)))).toEqual(ruleJsonOf(rule))
  expect(ruleJsonOf(rule)).toMatchObject({ groupSignalsBy: ['@host'] })
})
