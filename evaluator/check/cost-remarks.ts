import { isRecord } from '../json.ts'
import { groupsByHost } from '../monitor/monitor-options.ts'
import type { AlertQuery } from '../monitor/monitor-query.ts'
import { type EvaluatedQuery, kindsOf } from '../monitor/variables.ts'
import type { Remark } from './finding.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const SHORTEST_ADVISED_MS = 5 * MINUTE_MS
const DEFAULT_NEW_GROUP_DELAY = 60

/** How many groups Datadog evaluates, by the number of facets. @see monitors/types/log */
const GROUP_LIMITS = [
  '',
  '1000 groups',
  '30 values of the first facet by 30 of the second',
  '10 by 10 by 10 groups',
  '5 by 5 by 5 by 5 groups',
]

/** A query; a formula that is evaluated has its queries. */
type Query = AlertQuery | EvaluatedQuery

/** What a log monitor costs in time and groups, and what it does otherwise than it looks. */
export function costRemarks(json: Readonly<Record<string, unknown>>, query: Query): Remark[] {
  const options = isRecord(json.options) ? json.options : {}
  return [
    ...windowRemarks(query.form === 'cumulative' ? undefined : query.windowMs),
    ...groupRemarks(options, query),
    ...dataRemarks(options, query),
    ...searchRemarks(query),
  ]
}

function windowRemarks(windowMs: number | undefined): Remark[] {
  if (windowMs === undefined) return []
  if (windowMs < SHORTEST_ADVISED_MS) {
    const message = 'a window under five minutes is reported to give no data, as logs arrive late: take 5m or more'
    return [{ level: 'warning', rule: 'short-window', place: 'query', message }]
  }
  if (windowMs < DAY_MS) return []
  const minutes = windowMs < 2 * DAY_MS ? 10 : 30
  return [
    {
      level: 'note',
      rule: 'slow-cadence',
      place: 'query',
      message: `a window of a day or more is evaluated each ${minutes} minutes`,
    },
  ]
}

function groupRemarks(options: Readonly<Record<string, unknown>>, query: Query): Remark[] {
  const remarks: Remark[] = []
  const { evaluation_delay: evaluationDelay } = options
  if (typeof evaluationDelay === 'number' && evaluationDelay > 0) {
    const message = `every alert comes ${evaluationDelay} s later than without it`
    remarks.push({ level: 'note', rule: 'evaluation-delay', place: 'options.evaluation_delay', message })
  }
  if (!('by' in query) || query.by.length === 0) return remarks
  const limit = query.form === 'formula' ? undefined : GROUP_LIMITS[query.by.length]
  if (query.form === 'formula') remarks.push(...limitRemarks(query))
  if (limit !== undefined) {
    const message = `at most ${limit} are evaluated, those of the highest values; others never alert`
    remarks.push({ level: 'note', rule: 'group-limit', place: 'query', message })
  }
  const groupDelay = options.new_group_delay ?? undefined
  const hostDelay = groupsByHost(query) && !groupDelay ? (options.new_host_delay ?? undefined) : undefined
  const delay = hostDelay ?? groupDelay ?? DEFAULT_NEW_GROUP_DELAY
  if (typeof delay === 'number' && delay > 0) {
    const unset = groupDelay === undefined && hostDelay === undefined
    const message = `a group that was not there in the last 24 h is not evaluated for ${delay} s${unset ? ', which is the default' : ''}: 0 switches that off`
    const place = unset ? 'options' : hostDelay === undefined ? 'options.new_group_delay' : 'options.new_host_delay'
    remarks.push({ level: 'note', rule: 'new-group-delay', place, message })
  }
  return remarks
}

/** The number of values that a query of a formula keeps of each facet. */
const limitRemarks = ({ variables, by }: Extract<EvaluatedQuery, { form: 'formula' }>): Remark[] =>
  variables
    .filter(({ limits }) => limits.length > 0)
    .map(({ name, place, limits }) => {
      const kept = limits.map(
        ({ most, lowest, facet }) => `the ${most} ${lowest ? 'lowest' : 'highest'} values of ${by[facet]?.name}`,
      )
      const message = `\`${name}\` keeps ${kept.join(', and in each ')}; other groups have no value of it`
      return { level: 'note', rule: 'group-limit', place: `${place}.group_by`, message }
    })

function dataRemarks(options: Readonly<Record<string, unknown>>, query: Query): Remark[] {
  if (query.form === 'formula') return 'queries' in query ? formulaDataRemarks(options, query) : []
  if (query.rollup.kind === 'count') return []
  const missing = options.on_missing_data ?? undefined
  if (missing !== undefined && missing !== 'default') return []
  const message = `without data ${query.rollup.kind} keeps its last status, so that an alert may never recover: say on_missing_data "resolve"`
  const place = missing === undefined ? 'options' : 'options.on_missing_data'
  return [{ level: 'warning', rule: 'status-may-stay', place, message }]
}

function formulaDataRemarks(options: Readonly<Record<string, unknown>>, query: EvaluatedQuery): Remark[] {
  const missing = options.on_missing_data ?? undefined
  if (kindsOf(query).every((kind) => kind === 'count') || (missing !== undefined && missing !== 'default')) return []
  const message =
    'without a value the formula keeps its last status, so that an alert may never recover: say on_missing_data "resolve"'
  const place = missing === undefined ? 'options' : 'options.on_missing_data'
  return [{ level: 'warning', rule: 'status-may-stay', place, message }]
}

function searchRemarks(query: Query): Remark[] {
  if (query.form === 'formula') {
    if (!('queries' in query)) return []
    return query.variables.flatMap(({ place }, i) =>
      (query.queries[i]?.undocumented ?? []).map(({ position, form }) => ({
        ...({ level: 'warning', rule: 'undocumented-search', place: `${place}.search.query:${position + 1}` } as const),
        message: `${form} is not documented by Datadog`,
      })),
    )
  }
  return query.undocumented.map(({ position, form }) => ({
    ...({ level: 'warning', rule: 'undocumented-search', place: `query:${position + 1}` } as const),
    message: `${form} is not documented by Datadog`,
  }))
}
