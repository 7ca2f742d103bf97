import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readRule, replay, tuneRule } from '../api.ts'
import { parseCondition } from '../siem/condition.ts'
import { SEVERITIES, type SiemRule } from '../siem/rule.ts'
import { askedRule, BEGIN, eventOf, happenings, ruleOfAsked } from '../testing/random-rules.ts'
import { knobsOf } from './rule-knobs.ts'
import { svgOf } from './svg.ts'

const rule = {
  ...{ name: 'Guessing', type: 'log_detection', isEnabled: true, message: 'm' },
  queries: [
    { name: 'failed', query: '@outcome:fail', aggregation: 'count', groupByFields: ['@ip'] },
    { name: 'good', query: '@outcome:success', aggregation: 'count', groupByFields: ['@ip'] },
  ],
  cases: [
    { name: 'one was right', status: 'high', condition: 'failed > 2 && good > 0' },
    { name: '', status: 'low', condition: '2 < failed' },
  ],
  options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 600, maxSignalDuration: 3600 },
}
const event = (second: number, ip: string, outcome = 'fail') => ({
  ...{ timestamp: new Date(BEGIN + second * 1000).toISOString(), outcome, ip },
})
const log = [
  ...[0, 1, 2, 3].map((second) => event(second, '203.0.113.9')),
  event(4, '203.0.113.9', 'success'),
  ...[10, 11, 12].map((second) => event(second, '198.51.100.7')),
]

test('each number of a condition is tuned by itself; a signal counts if it comes to the severity of the case', async () => {
  const tunings = await tuneRule(readRule(rule), log, { thresholds: [1, 2, 3, 4] })
  expect(tunings.map(({ query, operator }) => `${query} | ${operator}`)).toEqual([
    'the case "one was right": failed > N && good > 0 | failed >',
    'the case "one was right": failed > 2 && good > N | good >',
    'the case for low: failed > N | failed >',
  ])
  expect(tunings.map(({ cells }) => cells.map(({ alerts }) => alerts))).toEqual([
    [1, 1, 1, 0],
    [0, 0, 0, 0],
    // A signal that is high at once has come to low as well.
    [2, 2, 1, 1],
  ])
})

test('the nearest miss is what the number alone kept from matching', async () => {
  const [first, second, third] = await tuneRule(readRule(rule), log, { thresholds: [4] })
  const at = (seconds: number) => new Date(BEGIN + seconds * 1000).toISOString()
  const group = { '@ip': '203.0.113.9' }
  // The other address has no success, so that no number of failures would have matched.
  expect(first?.cells[0]?.nearestMiss).toEqual({ group, value: 4, at: at(4) })
  expect(second?.cells[0]?.nearestMiss).toEqual({ group, value: 1, at: at(4) })
  // Low is not missed by the address that came to high.
  expect(third?.cells[0]?.nearestMiss).toEqual({ group: { '@ip': '198.51.100.7' }, value: 3, at: at(12) })
})

test('a range holds where all that is expected is found and nothing else', async () => {
  const expected = [{ '@ip': '203.0.113.9' }]
  const [, , third] = await tuneRule(readRule(rule), log, { thresholds: [1, 2, 3], windows: ['1m', '5m'], expected })
  expect(third?.ranges).toEqual([
    { window: '1m', from: 3, to: 3, thresholds: [3] },
    { window: '5m', from: 3, to: 3, thresholds: [3] },
  ])
  const [none] = await tuneRule(readRule(rule), log, { thresholds: [9], expected })
  expect(none?.obstacles).toMatchObject([{ window: '5m', nothingElse: { threshold: 9, missing: expected } }])
})

test('what the API would not take is refused in its cell', async () => {
  const [tuning] = await tuneRule(readRule(rule), log, { thresholds: [0.5, 1], windows: ['5m', '7m', '1h'] })
  expect(tuning?.cells.map(({ refused }) => refused?.replace(/:.*/, ''))).toEqual([
    ...['cases[0].condition', undefined],
    ...['options.evaluationWindow', 'options.evaluationWindow'],
    ...['options.keepAlive', 'options.keepAlive'],
  ])
})

test('the chart has a panel for each number', async () => {
  const svg = svgOf(await tuneRule(readRule(rule), log))
  expect(svg).toContain('guessing, the case for low: failed &gt; N')
  expect(svg.match(/<g transform/g)).toHaveLength(3)
})

test('a case that compares queries with each other has no number', () => {
  expect(knobsOf(readRule({ ...rule, cases: [{ name: '', status: 'low', condition: 'failed > 2 * good' }] }))).toEqual(
    [],
  )
})

test('each cell of any rule over any log is what a replay finds of a rule with that number', async () => {
  await fc.assert(
    fc.asyncProperty(askedRule, happenings, fc.nat(3), async (asked, happened, threshold) => {
      const random = ruleOfAsked(asked)
      const events = happened.toSorted((x, y) => x.at - y.at).map(eventOf)
      const tunings = await tuneRule(random, events, { thresholds: [threshold] })
      const knobs = knobsOf(random)
      expect(tunings).toHaveLength(knobs.length)
      for (const [i, { place, text }] of knobs.entries()) {
        const changed = withNumber(random, place, text, threshold)
        const { changes } = await replay([changed], events)
        const least = SEVERITIES.indexOf(random.cases[place]?.status ?? 'info')
        const reached = changes.filter(
          (change) =>
            change.transition === 'Closed' && 'severity' in change && SEVERITIES.indexOf(change.severity) >= least,
        )
        expect(tunings[i]?.cells[0]?.alerts).toBe(reached.length)
      }
    }),
    { numRuns: 100 },
  )
})

/** The rule with another number in the first comparison of this text. */
function withNumber(random: SiemRule, place: number, text: string, threshold: number): SiemRule {
  const cases = random.cases.map((each, i) => {
    if (i !== place) return each
    const written = each.text.replace(text, text.replace(/\d+$/, String(threshold)))
    return { ...each, text: written, condition: parseCondition(written) }
  })
  return { ...random, cases }
}
