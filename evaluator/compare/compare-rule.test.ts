import { expect, test } from 'vitest'
import { readRule } from '../api.ts'
import type { IndexedLog } from '../log.ts'
import { compareRule, readReportedSignals } from './compare-rule.ts'

const json = {
  ...{ name: 'Guessing', message: '', isEnabled: true },
  queries: [{ name: 'failed', query: '@outcome:fail', aggregation: 'count', groupByFields: ['@ip'] }],
  cases: [{ name: 'some', status: 'low', condition: 'failed > 1' }],
  options: { detectionMethod: 'threshold', evaluationWindow: 60, keepAlive: 60, maxSignalDuration: 60 },
}
const rule = readRule(json)
const START = Date.parse('2026-01-05T09:00:00Z')
const log = (seconds: number, ip: string): IndexedLog => ({
  id: `${seconds} ${ip}`,
  timestamp: START + seconds * 1000,
  attributes: { outcome: 'fail', ip },
})
const at = (seconds: number) => new Date(START + seconds * 1000).toISOString()

test('the signals that open here and in the account agree within latency and tolerance, or say which decisions to look at', () => {
  const reported = readReportedSignals(
    [
      { monitor: 'guessing', transition: 'Triggered', group: { '@ip': '1' }, at: at(15) },
      { transition: 'Raised', group: { '@ip': '1' }, at: at(16) },
      { transition: 'Closed', group: { '@ip': '1' }, at: at(70) },
      { transition: 'Triggered', group: { '@ip': 3 }, at: at(40) },
      { monitor: 'another', transition: 'Triggered', group: { '@ip': '4' }, at: at(40) },
    ],
    rule,
  )
  const logs = [log(5, '1'), log(1, '1'), log(20, '2'), log(21, '2')]
  const matches = compareRule(rule, logs, reported, { latencyMs: 9_000, toleranceMs: 2_000 }, undefined)
  expect(matches.map(({ kind, likely }) => [kind, likely])).toEqual([
    ['agrees', []],
    ['here', ['rule-at-each-event', 'signal-first-seen']],
    ['reported', ['rule-at-each-event', 'signal-first-seen']],
  ])
  const period = { from: START, to: START + 10_000 }
  expect(compareRule(rule, logs, reported, { latencyMs: 9_000, toleranceMs: 2_000 }, period)).toHaveLength(1)
})

test.each([
  ['text', /is not an object/],
  [{ id: 's', attributes: { timestamp: at(0), tags: [] } }, /has no value of @ip, by which the rule groups/],
  [{ id: 's', attributes: { timestamp: at(0), custom: { ip: ['1', '2'] } } }, /has no value of @ip/],
  [{ id: 's', attributes: { custom: { ip: '1' } } }, /has no first_seen and no timestamp/],
  [{ transition: 'Warn', at: at(0) }, /has no transition: Triggered, Raised or Closed/],
  [{ transition: 'Triggered', at: 'soon' }, /has no time/],
])('a reported record that says nothing is refused with its number: %j', (record, reason) => {
  expect(() => readReportedSignals([record], rule)).toThrow(reason)
})

test('signals of the API are read: first seen, the group at its path or among the tags, and no other rules', () => {
  const signal = (custom: object, more: object = {}) => ({
    id: 's',
    type: 'signal',
    attributes: { timestamp: at(99), custom, tags: ['security:attack'], ...more },
  })
  const workflow = { first_seen: at(5), last_seen: at(9), rule: { id: 'abc-def-ghi' } }
  const read = (record: object, by = '@ip') => {
    const grouped = { ...json, queries: [{ ...json.queries[0], groupByFields: [by] }] }
    return readReportedSignals([record], readRule(grouped), 'abc-def-ghi')
  }
  const opened = (time: number, name = '@ip') => [
    { transition: 'Triggered', at: START + time * 1000, group: { [name]: '1' } },
  ]
  expect(read(signal({ workflow, ip: '1' }))).toEqual(opened(5))
  expect(read(signal({ ip: 1 }))).toEqual(opened(99))
  expect(read(signal({ workflow, usr: { name: ['1'] } }), '@usr.name')).toEqual(opened(5, '@usr.name'))
  expect(read(signal({ workflow, 'usr.name': '1' }), '@usr.name')).toEqual(opened(5, '@usr.name'))
  expect(read(signal({ workflow }, { tags: ['env:prod', 'pod:1'] }), 'pod')).toEqual(opened(5, 'pod'))
  expect(read(signal({ workflow: { ...workflow, rule: { id: 'xxx-xxx-xxx' } }, ip: '1' }))).toEqual([])
})
