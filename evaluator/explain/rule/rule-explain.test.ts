import fc from 'fast-check'
import { expect, test } from 'vitest'
import { explain, readRule } from '../../api.ts'
import type { IndexedLog } from '../../log.ts'
import { Replayer } from '../../replay/index.ts'
import type { SiemRule } from '../../siem/rule.ts'
import type { SignalChange } from '../../siem/signal.ts'
import { askedRule, BEGIN, happenings, logsOf, ruleOfAsked } from '../../testing/random-rules.ts'
import { sourceOfLogs } from '../source.ts'
import { explainRuleFrom, ruleHeadlineOf, rulePageOf, ruleSvgOf } from './index.ts'

const LOGIN = '@evt:login'
const query = (name: string, outcome: string, more: object = {}) => ({
  ...{ name, query: `${LOGIN} @outcome:${outcome}`, aggregation: 'count', groupByFields: ['@ip'] },
  ...more,
})
const rule = {
  ...{ name: 'Guessing', type: 'log_detection', isEnabled: true, message: 'm' },
  queries: [query('failed', 'fail'), query('good', 'success')],
  cases: [
    { name: 'one was right', status: 'high', condition: 'failed > 2 && good > 0' },
    { name: 'none was right', status: 'low', condition: 'failed > 2' },
  ],
  options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 600, maxSignalDuration: 3600 },
}
const at = (second: number) => new Date(BEGIN + second * 1000).toISOString()
const event = (second: number, outcome = 'fail', more: object = {}) => ({
  ...{ timestamp: at(second), evt: 'login', outcome, ip: '203.0.113.9' },
  ...more,
})
const events = [event(5), event(9), event(20), event(151, 'success'), event(160, 'fail', { ip: '198.51.100.7' })]
const read = (change: object = {}): SiemRule => readRule({ ...rule, ...change })
const pageOf = (explanation: Awaited<ReturnType<typeof explainRule>>) =>
  rulePageOf(explanation)
    .map(({ text }) => text)
    .join('\n')
const explainRule = (change: object, log: readonly object[], ...rest: [object?, object?]) =>
  explain(read(change), log as Record<string, unknown>[], ...rest)

test('the first signal of a rule is explained: the case that held, and those above it that did not', async () => {
  const explanation = await explainRule({}, events)
  expect(explanation.verdict).toEqual({ fired: true, kind: 'triggered', at: at(20), severity: 'low' })
  expect(explanation.group).toMatchObject({
    group: { '@ip': '203.0.113.9' },
    signals: [{ opened: at(20), closed: at(751), cause: 'keepAlive', severity: 'high' }],
    evaluation: {
      at: at(20),
      cases: [
        { name: 'one was right', holds: false, decided: false },
        { name: 'none was right', holds: true, decided: true, parts: { text: 'failed > 2', values: { failed: 3 } } },
      ],
    },
    story: [
      { kind: 'opened', at: at(20), values: { failed: 3, good: 0 } },
      { kind: 'raised', at: at(151), values: { failed: 3, good: 1 } },
      { kind: 'closed', at: at(751), cause: 'keepAlive' },
    ],
  })
  const page = pageOf(explanation)
  expect(page).toContain('guessing fired for @ip:203.0.113.9.')
  expect(page).toContain('       NO   good > 0: good 0')
  expect(page).toContain('the signal closes: no case matched for keepAlive, 10 minutes')
})

test('the value of each query over time falls when an event leaves the window', async () => {
  const { group } = await explainRule({}, events)
  expect(group?.values.map(({ query, limit }) => ({ query, limit }))).toEqual([
    { query: 'failed', limit: { operator: '>', number: 2 } },
    { query: 'good', limit: { operator: '>', number: 0 } },
  ])
  const points = group?.values[0]?.points.map((point) => [(Date.parse(point.at) - BEGIN) / 1000, point.value])
  expect(points).toEqual([
    ...[
      [5, 1],
      [9, 2],
      [20, 3],
      [151, 3],
    ],
    ...[
      [305, 2],
      [309, 1],
      [320, 0],
      [451, 0],
    ],
  ])
})

test.each([
  ['an event that opened a signal', { event: { line: 3 } }, { fired: true, kind: 'triggered', at: at(20) }],
  ['an event that raised it', { event: { line: 4 } }, { fired: true, kind: 'raised', at: at(151), severity: 'high' }],
  ['an event for which no case held', { event: { line: 5 } }, { fired: false, kind: 'not-reached', at: at(160) }],
  ['an instant in a signal', { at: BEGIN + 60_000 }, { fired: true, kind: 'open', since: at(20) }],
  ['the last instant of a signal', { at: BEGIN + 751_000 }, { fired: true, kind: 'open', since: at(20) }],
  ['the instant after it', { at: BEGIN + 751_001 }, { fired: false, kind: 'closed', at: at(751), cause: 'keepAlive' }],
  ['an instant before all events', { at: BEGIN }, { fired: false, kind: 'not-begun', first: at(5) }],
  ['an instant before the condition held', { at: BEGIN + 10_000 }, { fired: false, kind: 'not-reached', at: at(9) }],
  ['a group', { group: { '@ip': '198.51.100.7' } }, { fired: false, kind: 'not-reached', at: at(160) }],
  ['a group without events', { group: { '@ip': '203.0.113.8' } }, { kind: 'nothing-counted', with_group: 0 }],
])('%s', async (_, question, verdict) => {
  expect((await explainRule({}, events, question)).verdict).toMatchObject(verdict)
})

test('an event that counts for no query: the search, or the field of the group, of the query that comes nearest', async () => {
  const log = [event(1, 'fail', { evt: 'logout' }), event(2, 'fail', { ip: undefined, client: { ip: '192.0.2.1' } })]
  expect((await explainRule({}, log, { event: { line: 1 } })).verdict).toMatchObject({
    ...{ fired: false, kind: 'not-matched' },
    failed: { term: '@evt:login', values: ['logout'] },
  })
  const lacking = await explainRule({}, log, { event: { line: 2 } })
  expect(lacking.verdict).toEqual({ fired: false, kind: 'no-facet', facet: '@ip', suggestion: '@client.ip' })
  expect(pageOf(lacking)).toMatch(/it has no @ip, by which the rule\sgroups\./)
})

test('with optional groups an event without the field counts in the group N/A', async () => {
  const queries = [query('failed', 'fail', { hasOptionalGroupByFields: true })]
  const cases = [{ name: '', status: 'low', condition: 'failed > 0' }]
  const explanation = await explainRule({ queries, cases }, [event(1, 'fail', { ip: undefined })], {
    event: { line: 1 },
  })
  expect(explanation.verdict.fired).toBe(true)
  expect(explanation.event?.groups).toEqual([{ '@ip': 'N/A' }])
  expect((await explainRule({ queries, cases }, events, { group: { '@ip': 'N/A' } })).log.counted).toBe(4)
})

test('a match in an open signal of the same severity only prolongs it', async () => {
  const explanation = await explainRule({}, [...events.slice(0, 3), event(30)], { event: { line: 4 } })
  expect(explanation.verdict).toEqual({ fired: true, kind: 'open', since: at(20), severity: 'low' })
  expect(pageOf(explanation)).toContain('keeps it open.')
  expect(ruleHeadlineOf(explanation)).toBe('guessing had an open signal for line 4, group @ip:203.0.113.9.')
})

test('a signal that is as old as maxSignalDuration says so', async () => {
  const options = { ...rule.options, keepAlive: 300, maxSignalDuration: 300 }
  const log = [0, 1, 2, 100, 200, 299, 300, 301].map((second) => event(second))
  const { group } = await explainRule({ options }, log, { at: BEGIN + 303_000 })
  expect(group?.signals[0]).toMatchObject({ opened: at(2), closed: at(302), cause: 'maxSignalDuration' })
})

test('THEN: both sides hold, and not in this order', async () => {
  const cases = [{ name: 'guessed', status: 'high', condition: 'failed > 1 THEN good > 0' }]
  const before = [event(1, 'success'), event(2), event(3)]
  const explanation = await explainRule({ cases }, before)
  expect(explanation.verdict).toMatchObject({ fired: false, kind: 'not-reached' })
  expect(explanation.group?.evaluation?.cases[0]).toMatchObject({
    holds: false,
    parts: { kind: 'then', parts: [{ holds: true }, { holds: true }] },
  })
  expect(pageOf(explanation)).toMatch(/asks for its two sides in this\sorder: failed > 1 THEN good > 0/)
  expect((await explainRule({ cases }, [...before, event(4, 'success')])).verdict.fired).toBe(true)
})

test('with a window of 0 each event is explained by itself', async () => {
  const options = { ...rule.options, evaluationWindow: 0 }
  const cases = [{ name: '', status: 'low', condition: 'good > 0 || failed > 1' }]
  const log = [event(1), event(1, 'success'), event(2)]
  const explanation = await explainRule({ options, cases }, log)
  expect(explanation.verdict).toMatchObject({ fired: true, kind: 'triggered', at: at(1) })
  expect(explanation.group?.evaluation?.cases[0]?.parts.parts.map(({ values }) => values)).toEqual([
    { good: 1 },
    { failed: 0 },
  ])
  expect(pageOf(explanation)).toContain('each event is judged by itself, keepAlive')
})

test('logs in another order give the same explanation', async () => {
  const log = Array.from({ length: 12 }, (_, i) => event(i * 40))
  const { log: _, ...forward } = await explainRule({}, log)
  const { log: __, ...moved } = await explainRule({}, [...log.slice(6), ...log.slice(0, 6)])
  expect(moved).toEqual(forward)
})

test('a group that the rule does not have is refused, and a rule that is not enabled is told', async () => {
  await expect(explainRule({}, events, { group: { ip: 'x' } })).rejects.toThrow('It groups by @ip.')
  expect(pageOf(await explainRule({ isEnabled: false }, events))).toContain('Datadog does not evaluate it.')
})

test('the chart has a panel for each query', async () => {
  const svg = ruleSvgOf(await explainRule({}, events)) ?? ''
  expect(svg.match(/<g transform/g)).toHaveLength(2)
  expect(svg).toContain('&gt; 2')
  expect(svg).toContain('Raised')
})

test('of any rule over any log, an explanation says what a replay finds', async () => {
  await fc.assert(
    fc.asyncProperty(askedRule, happenings, fc.nat(1_300), async (wanted, happened, second) => {
      const random = ruleOfAsked(wanted)
      const logs = logsOf(happened)
      if (logs.length === 0) return
      const changes = replayed(random, logs)
      const source = sourceOfLogs(logs)
      const { explanation } = await explainRuleFrom(source, random, {})
      const opened = changes.filter(({ transition }) => transition === 'Triggered')
      expect(explanation.verdict.fired).toBe(opened.length > 0)
      const { verdict, group } = explanation
      if (verdict.fired && verdict.kind === 'triggered') {
        const change = opened.find((each) => each.at === Date.parse(verdict.at) && isOf(each, group?.group))
        expect(change).toMatchObject({ severity: verdict.severity })
        const decided = group?.evaluation?.cases.filter((each) => each.decided)
        expect(decided).toMatchObject([{ holds: true, severity: verdict.severity }])
      }
      // The first case that holds decided, also by what is computed anew from the entries.
      const cases = group?.evaluation?.cases ?? []
      expect(cases.findIndex(({ decided }) => decided)).toBe(cases.findIndex(({ holds }) => holds))
      const now = BEGIN + second * 1000
      const then = (await explainRuleFrom(source, random, { at: now })).explanation
      expect(then.verdict.fired).toBe(isAnyOpen(changes, now))
    }),
    { numRuns: 200 },
  )
})

function replayed(random: SiemRule, logs: readonly IndexedLog[]): SignalChange[] {
  const changes: SignalChange[] = []
  const replayer = new Replayer(
    [],
    { rules: [random] },
    () => {},
    (change) => void changes.push(change),
  )
  for (const log of logs) replayer.push(log, log.timestamp)
  replayer.finish()
  return changes
}

const isOf = ({ group }: SignalChange, own: Readonly<Record<string, string>> = {}): boolean =>
  Object.entries(group).every(([name, value]) => own[name] === value)

const isAnyOpen = (changes: readonly SignalChange[], now: number): boolean =>
  changes.some(
    (opened) =>
      opened.transition === 'Triggered' &&
      opened.at <= now &&
      changes.some(
        (closed) => closed.transition === 'Closed' && closed.signalId === opened.signalId && closed.at >= now,
      ),
  )
