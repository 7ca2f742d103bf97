import { expect, test } from 'vitest'
import type { IndexedLog } from '../log.ts'
import { RuleEvaluator } from './rule-evaluator.ts'
import { readRuleJson } from './rule-reading.ts'

const json = {
  name: 'Guessing',
  message: '',
  isEnabled: true,
  queries: [
    { name: 'failed', query: '@outcome:fail', aggregation: 'count', groupByFields: ['@ip'] },
    { name: 'good', query: '@outcome:success', aggregation: 'count', groupByFields: ['@ip'] },
  ],
  cases: [{ name: 'guessed', status: 'high', condition: 'failed > 1 && good > 0' }],
  options: { detectionMethod: 'threshold', evaluationWindow: 60, keepAlive: 60, maxSignalDuration: 300 },
}
const evaluator = () => {
  const { rule } = readRuleJson(json, { slug: 'guessing', file: 'guessing.json' }, false)
  if (!rule) throw new Error('the rule cannot be read')
  return new RuleEvaluator([rule])
}
const START = Date.UTC(2026, 0, 12, 14)
const log = (seconds: number, outcome: string, ip = '203.0.113.9'): IndexedLog => ({
  id: `${seconds}-${outcome}-${ip}`,
  timestamp: START + seconds * 1000,
  attributes: { outcome, ip },
})
const shown = (found: ReturnType<RuleEvaluator['push']>) =>
  found.map(({ transition, at, group, sample }) => [transition, (at - START) / 1000, group['@ip'], sample.length])

test('a signal opens at the log that completes it, whichever query counts that log', () => {
  const rules = evaluator()
  expect(
    [log(0, 'success'), log(1, 'fail'), log(2, 'fail', '203.0.113.8')].flatMap((each) => rules.push(each)),
  ).toEqual([])
  expect(shown(rules.push(log(3, 'fail')))).toEqual([['Triggered', 3, '203.0.113.9', 3]])
  expect(rules.push(log(4, 'fail'))).toEqual([])
})

test('a late log counts in the window that ends at the newest time, and one that is too late is dropped', () => {
  const rules = evaluator()
  rules.push(log(100, 'fail'))
  rules.push(log(100, 'success'))
  expect(rules.push(log(30, 'fail'))).toEqual([])
  expect(rules.dropped).toBe(1)
  expect(shown(rules.push(log(41, 'fail')))).toEqual([['Triggered', 100, '203.0.113.9', 3]])
})

test('a signal closes when time passes, with or without a log, and the next match opens another', () => {
  const rules = evaluator()
  for (const each of [log(0, 'fail'), log(0, 'fail'), log(0, 'success')]) rules.push(each)
  expect(rules.nextDue()).toBe(START + 60_001)
  expect(rules.advance(START + 60_000)).toEqual([])
  expect(shown(rules.advance(START + 60_001))).toEqual([['Closed', 60, '203.0.113.9', 0]])
  expect(rules.nextDue()).toBeUndefined()
  const later = [log(100, 'fail'), log(100, 'fail'), log(100, 'success'), log(161, 'fail', '203.0.113.8')]
  expect(shown(later.flatMap((each) => rules.push(each)))).toEqual([
    ['Triggered', 100, '203.0.113.9', 3],
    ['Closed', 160, '203.0.113.9', 0],
  ])
})

const ruleWith = (over: object) => {
  const { rule } = readRuleJson({ ...json, ...over }, { slug: 'guessing', file: 'guessing.json' }, false)
  return rule ?? expect.fail('the rule cannot be read')
}
const once = ruleWith({ cases: [{ name: 'guessed', status: 'high', condition: 'failed > 0 && good > 0' }] })

test('an edited rule counts the logs of its window at the next event, and forgets its open signal', () => {
  const rules = evaluator()
  const logs = [log(0, 'success'), log(1, 'fail'), log(2, 'fail')]
  expect(shown(logs.flatMap((each) => rules.push(each)))).toHaveLength(1)
  expect(rules.update([once], logs, START + 3000)).toEqual({ changes: [], restarted: ['guessing'] })
  expect(rules.nextDue()).toBeUndefined()
  expect(rules.push(log(61, 'fail')).map(({ transition, value }) => [transition, value])).toEqual([])
  const again = evaluator()
  for (const each of logs.slice(0, 2)) again.push(each)
  again.update([once], logs.slice(0, 2), START + 3000)
  expect(again.push(log(59, 'fail')).map(({ transition, value }) => [transition, value])).toEqual([['Triggered', 2]])
})

test('a rule with another name keeps its signal; a disabled one drops it', () => {
  const rules = evaluator()
  for (const each of [log(0, 'fail'), log(0, 'fail'), log(0, 'success')]) rules.push(each)
  const renamed = ruleWith({ name: 'Renamed' })
  expect(rules.update([renamed], [], START + 1000)).toEqual({ changes: [], restarted: [] })
  expect(rules.advance(START + 61_000)[0]).toMatchObject({ transition: 'Closed', rule: { name: 'Renamed' } })
  for (const each of [log(100, 'fail'), log(100, 'fail'), log(100, 'success')]) rules.push(each)
  const disabled = ruleWith({ isEnabled: false })
  expect(rules.update([disabled], [], START + 101_000)).toEqual({ changes: [], restarted: ['guessing'] })
  expect(rules.nextDue()).toBeUndefined()
})
