import fc from 'fast-check'
import type { IndexedLog } from '../log.ts'
import type { SiemRule } from '../siem/rule.ts'
import { readRuleJson } from '../siem/rule-reading.ts'

const SECOND_MS = 1_000
export const BEGIN = Date.UTC(2026, 0, 5, 9)
export const STATUSES = ['info', 'low', 'medium', 'high', 'critical'] as const

/** A case, whose condition is written down and computed by hand. */
export interface AskedCase {
  readonly status: (typeof STATUSES)[number]
  readonly a: number
  readonly b: number
  readonly join: '&&' | '||' | 'THEN' | 'against'
}

/** A rule, as a random generator asks for it. */
export interface Asked {
  readonly distinct: boolean
  readonly grouped: boolean
  readonly byService: boolean
  readonly windowSeconds: number
  readonly keepAliveSeconds: number
  readonly maxSeconds: number
  readonly cases: readonly AskedCase[]
}

const textOf = ({ a, b, join }: AskedCase): string =>
  join === 'against' ? `a > 2 * b && a >= ${a}` : `a > ${a} ${join} b >= ${b}`

/** The rule, read from its JSON. */
export function ruleOfAsked(asked: Asked): SiemRule {
  const groupByFields = asked.grouped ? ['@user', '@app'] : []
  const json = {
    ...{ name: 'n', message: 'm', isEnabled: true, type: 'log_detection' },
    queries: [
      asked.distinct
        ? { query: '@kind:fail', aggregation: 'cardinality', distinctFields: ['@n'], groupByFields }
        : { query: '@kind:fail', aggregation: 'count', groupByFields },
      { query: '@kind:good', aggregation: 'count', groupByFields },
    ],
    cases: asked.cases.map((each) => ({ name: '', status: each.status, condition: textOf(each) })),
    options: {
      detectionMethod: 'threshold',
      evaluationWindow: asked.windowSeconds,
      keepAlive: asked.keepAliveSeconds,
      maxSignalDuration: asked.maxSeconds,
    },
    groupSignalsBy: asked.grouped && asked.byService ? ['@app'] : [],
  }
  const { rule, faults, refusals } = readRuleJson(json, { slug: 's', file: 'f' }, false)
  if (!rule) throw new Error(JSON.stringify([faults, refusals]))
  return rule
}

/** An event of a random log. */
export interface Happened {
  readonly at: number
  readonly kind: 'fail' | 'good' | 'other'
  readonly n: number
  readonly user: string | undefined
  readonly app: string
}

const aCase: fc.Arbitrary<AskedCase> = fc.record({
  status: fc.constantFrom(...STATUSES),
  a: fc.nat(4),
  b: fc.nat(2),
  join: fc.constantFrom('&&', '||', 'against'),
})

export const askedRule: fc.Arbitrary<Asked> = fc
  .record({
    distinct: fc.boolean(),
    grouped: fc.boolean(),
    byService: fc.boolean(),
    times: fc.constantFrom([60, 60, 300], [60, 300, 600], [300, 300, 300], [300, 900, 3600]),
    cases: fc.oneof(
      fc.array(aCase, { minLength: 1, maxLength: 3 }),
      aCase.map((each): AskedCase[] => [{ ...each, join: 'THEN' }]),
    ),
  })
  .map(({ times: [windowSeconds = 0, keepAliveSeconds = 0, maxSeconds = 0], ...rest }) => ({
    ...rest,
    ...{ windowSeconds, keepAliveSeconds, maxSeconds },
  }))

export const happenings: fc.Arbitrary<Happened[]> = fc.array(
  fc.record({
    at: fc.oneof(
      fc.nat(40).map((n) => BEGIN + n * 30 * SECOND_MS),
      fc.nat(1_200_000).map((ms) => BEGIN + ms),
    ),
    kind: fc.constantFrom('fail' as const, 'fail' as const, 'good' as const, 'other' as const),
    n: fc.nat(3),
    user: fc.constantFrom('ann', 'ben', undefined),
    app: fc.constantFrom('shop', 'bank'),
  }),
  { maxLength: 40 },
)

/** As an application writes it. */
export const eventOf = ({ at, kind, n, user, app }: Happened) => ({
  ...{ timestamp: new Date(at).toISOString(), service: 's', kind, n, app },
  ...(user === undefined ? {} : { user }),
})

/** In the order of time. */
export const logsOf = (events: readonly Happened[]): IndexedLog[] =>
  events
    .map((event, i): IndexedLog => {
      const { timestamp: _, service, ...attributes } = eventOf(event)
      return { id: String(i), timestamp: event.at, service, attributes }
    })
    .toSorted((x, y) => x.timestamp - y.timestamp)
