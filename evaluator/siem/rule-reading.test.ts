import { expect, test } from 'vitest'
import { rulesIn } from '../estate/rule-documents.ts'
import { readRuleJson } from './rule-reading.ts'

const rule = {
  name: 'Brute force',
  message: 'Look @slack-team',
  type: 'log_detection',
  isEnabled: true,
  queries: [
    { name: 'failed', query: '@evt:login @outcome:fail', aggregation: 'count', groupByFields: ['@usr.id'] },
    { name: 'good', query: '@evt:login @outcome:success', aggregation: 'count', groupByFields: ['@usr.id'] },
  ],
  cases: [
    { name: 'taken over', status: 'high', condition: 'failed > 5 && good > 0', notifications: ['@slack-team'] },
    { name: '', status: 'low', condition: 'failed > 5', notifications: [] },
  ],
  options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 600, maxSignalDuration: 3600 },
  tags: ['tactic:TA0006-credential-access'],
}

const [failed, good] = rule.queries
const options = rule.options

function read(change: object, strict = false) {
  const { rule: read, faults, refusals, notes } = readRuleJson({ ...rule, ...change }, { slug: 's', file: 'f' }, strict)
  const texts = (list: typeof faults) => list.map(({ place, reason }) => `${place}: ${reason}`)
  return { rule: read, faults: texts(faults), refusals: texts(refusals), notes: texts(notes) }
}

test('a rule is read whole', () => {
  const { rule: found, faults, refusals, notes } = read({}, true)
  expect({ faults, refusals, notes }).toEqual({ faults: [], refusals: [], notes: [] })
  expect(found).toMatchObject({
    name: 'Brute force',
    groupNames: ['@usr.id'],
    signalBy: [0],
    evaluationWindowMs: 300_000,
    keepAliveMs: 600_000,
    maxSignalDurationMs: 3_600_000,
  })
})

test('queries without a name are called a, b and c', () => {
  const queries = [
    { ...failed, name: '' },
    { ...good, name: undefined },
  ]
  const cases = [{ status: 'high', condition: 'a > 5 && b > 0' }]
  expect(read({ queries, cases }).rule?.queries.map(({ alias }) => alias)).toEqual(['a', 'b'])
})

test.each([
  [{ message: undefined }, 'message: is missing'],
  [{ type: 'log' }, 'type: "log" is not one of'],
  [{ options: { ...options, keepAlive: 999_999 } }, 'options.keepAlive: 999999: must be one of 0, 60, 300'],
  [{ options: { ...options, evaluationWindow: undefined } }, 'options.evaluationWindow: is missing'],
  [{ options: { ...options, evaluationWindow: 900 } }, 'options.keepAlive: 600 is less than evaluationWindow, 900'],
  [{ options: { ...options, maxSignalDuration: 300 } }, 'options.maxSignalDuration: 300 is less than keepAlive, 600'],
  [{ options: { ...options, detectionMethod: 'guess' } }, 'options.detectionMethod: "guess" is not one of threshold'],
  [{ queries: [] }, 'queries: must be a list of at least one query'],
  [{ queries: Array.from({ length: 11 }, (_, i) => ({ ...failed, name: `q${i}` })) }, 'queries: at most 10'],
  [{ queries: [failed, failed] }, 'queries[1].name: failed is named twice'],
  [{ queries: [failed, { ...good, name: 'Good' }] }, 'queries[1].name: "Good": must begin with a letter'],
  [{ queries: [failed, { ...good, query: '(A|B' }] }, 'queries[1].query:'],
  [{ queries: [failed, { ...good, query: undefined }] }, 'queries[1].query: must be a string'],
  [{ queries: [failed, { ...good, aggregation: 'cardinality' }] }, 'queries[1].distinctFields: "cardinality" needs'],
  [{ queries: [failed, { ...good, distinctFields: ['@a'] }] }, 'queries[1].distinctFields: belongs to'],
  [{ queries: [failed, { ...good, metrics: ['@a'] }] }, 'queries[1].metrics: does not belong'],
  [{ queries: [failed, { ...good, aggregation: 'sum' }] }, 'queries[1].metrics: "sum" needs one numeric field'],
  [{ cases: [] }, 'cases: must be a list of at least one case'],
  [{ cases: [{ status: 'high' }] }, 'cases[0].condition: is missing'],
  [{ cases: [{ status: 'severe', condition: 'good > 0' }] }, 'cases[0].status: "severe" is not one of'],
  [{ cases: [{ status: 'high', condition: '> 3' }] }, 'cases[0].condition:0: expected the name of a query'],
  [{ cases: [{ status: 'high', condition: 'other > 3' }] }, 'cases[0].condition: `other` is no query of this rule'],
  [
    { cases: [rule.cases[0], { status: 'low', condition: 'failed > 0 THEN good > 0' }] },
    'cases[1].condition: a rule with `THEN` has one case',
  ],
  [{ groupSignalsBy: ['@ip'] }, 'groupSignalsBy: "@ip" is not among the groupByFields'],
  [{ isEnabled: 'yes' }, 'isEnabled: must be true or false'],
])('Datadog refuses %j: %s', (change, reason) => {
  const { rule: found, faults } = read(change)
  expect(found).toBeUndefined()
  expect(faults.join('\n')).toContain(reason)
})

test.each([['new_value', 'anomaly_detection', 'impossible_travel', 'hardcoded', 'third_party', 'sequence_detection']])(
  'other methods are refused by name: %s',
  (...methods) => {
    for (const detectionMethod of methods) {
      const {
        rule: found,
        faults,
        refusals,
      } = read({ options: { ...options, detectionMethod }, queries: [], cases: [] })
      expect([found, faults]).toEqual([undefined, []])
      expect(refusals).toEqual([`options.detectionMethod: "${detectionMethod}" is not evaluated here; "threshold" is`])
    }
  },
)

test.each([
  [{ type: 'signal_correlation' }, 'type: "signal_correlation" is not evaluated here'],
  [{ queries: [failed, { ...good, dataSource: 'audit' }] }, 'queries[1].dataSource: "audit" is not evaluated here'],
  [
    { queries: [failed, { ...good, groupByFields: [] }] },
    'queries: the queries have different numbers of groupByFields',
  ],
  [{ referenceTables: [{ tableName: 't' }] }, 'referenceTables: is not evaluated here'],
  [{ schedulingOptions: { rrule: 'FREQ=DAILY' } }, 'schedulingOptions: makes a scheduled rule'],
  [{ filters: [{ action: 'suppress', query: 'a' }] }, 'filters: is deprecated'],
])('what Datadog evaluates and we do not is refused by name: %j', (change, reason) => {
  const { rule: found, faults, refusals } = read(change)
  expect([found, faults]).toEqual([undefined, []])
  expect(refusals.join('\n')).toContain(reason)
})

test.each([
  [{ cases: [rule.cases[1], rule.cases[0]] }, 'cases[1]: can never be reached: cases[0] matches first'],
  [
    {
      cases: [
        { status: 'low', condition: 'failed > 5 && good > 0' },
        { status: 'high', condition: 'failed > 50' },
      ],
    },
    'cases[1]: is more severe than a case above it',
  ],
  [{ cases: [rule.cases[1]] }, 'queries[1]: no case uses `good`'],
  [{ isEnabled: false }, 'isEnabled: is false'],
  [{ colour: 'red' }, 'colour: is not known here'],
])('%j is noted in the files of others, and a fault in ours: %s', (change, reason) => {
  const lenient = read(change)
  expect(lenient.rule).toBeDefined()
  expect(lenient.notes.join('\n')).toContain(reason)
  const strict = read(change, true)
  expect(strict.rule).toBeUndefined()
  expect(strict.faults.join('\n')).toContain(reason)
})

test('rules are found in every form that people keep them in', () => {
  const found = (document: unknown) => rulesIn(document, 'detections/guessing/siem.json').map((each) => each.slug)
  const exported = { ...rule, id: 'abc-def-ghi', version: 3, createdAt: 1, creationAuthorId: 1, isDefault: false }
  expect(found(rule)).toEqual(['guessing-siem'])
  expect(found([exported, { type: 'log alert', query: 'q' }])).toEqual(['brute-force'])
  expect(found({ data: [exported] })).toEqual(['brute-force'])
  expect(found({ rules: [exported] })).toEqual(['brute-force'])
  expect(found({ name: 'no rule', queries: [] })).toEqual([])
  expect(read(exported).faults).toEqual([])
})

test('a rule of a Terraform state is what the API takes', () => {
  const values = {
    id: 'abc',
    name: 'Brute force',
    message: 'Look @slack-team',
    type: 'log_detection',
    enabled: true,
    has_extended_title: true,
    validate: null,
    query: [
      {
        name: 'failed',
        query: '@evt:login @outcome:fail',
        aggregation: 'cardinality',
        distinct_fields: ['@ip', '@device'],
        group_by_fields: ['@usr.id'],
        has_optional_group_by_fields: false,
        metric: '',
        metrics: null,
        data_source: 'logs',
        agent_rule: [],
        indexes: [],
      },
    ],
    signal_query: [],
    case: [{ name: '', status: 'high', condition: 'failed > 5', notifications: ['@slack-team'], action: [] }],
    options: [
      {
        detection_method: 'threshold',
        evaluation_window: 300,
        keep_alive: 600,
        max_signal_duration: 3600,
        decrease_criticality_based_on_env: false,
        hardcoded_evaluator_type: '',
        new_value_options: [],
        third_party_rule_options: [],
      },
    ],
    filter: [],
    group_signals_by: null,
    tags: ['technique:T1110-brute-force'],
  }
  const resource = (type: string, name: string, its: object) => ({
    address: `${type}.${name}`,
    mode: 'managed',
    type,
    values: its,
  })
  const document = {
    format_version: '1.0',
    terraform_version: '1.9.0',
    values: {
      root_module: {
        resources: [
          resource('datadog_security_monitoring_rule', 'brute', values),
          resource('datadog_security_monitoring_rule_json', 'raw', { json: JSON.stringify(rule) }),
        ],
      },
    },
  }
  const [typed, raw] = rulesIn(document, 'state.json')
  expect(typed?.slug).toBe('datadog_security_monitoring_rule.brute')
  const reading = readRuleJson(typed?.json ?? {}, { slug: 's', file: 'f' }, true)
  expect(reading.faults).toEqual([])
  expect(reading.rule).toMatchObject({ isEnabled: true, hasExtendedTitle: true, evaluationWindowMs: 300_000 })
  expect(reading.rule?.queries[0]).toMatchObject({ alias: 'failed', rollup: { kind: 'cardinality' } })
  expect(raw?.json).toEqual(rule)
})
