import { groupsByHost, isRecord } from '../monitor/monitor-options.ts'
import type { AlertQuery } from '../monitor/monitor-query.ts'
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

/** What a log monitor costs in time and groups, and what it does otherwise than it looks. */
export function costRemarks(json: Readonly<Record<string, unknown>>, query: AlertQuery): Remark[] {
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

function groupRemarks(options: Readonly<Record<string, unknown>>, query: AlertQuery): Remark[] {
  const remarks: Remark[] = []
  const { evaluation_delay: evaluationDelay } = options
  if (typeof evaluationDelay === 'number' && evaluationDelay > 0) {
    const message = `every alert comes ${evaluationDelay} s later than without it`
    remarks.push({ level: 'note', rule: 'evaluation-delay', place: 'options.evaluation_delay', message })
  }
  if (query.form === 'formula' || query.by.length === 0) return remarks
  const limit = GROUP_LIMITS[query.by.length]
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

function dataRemarks(options: Readonly<Record<string, unknown>>, query: AlertQuery): Remark[] {
  if (query.form === 'formula' || query.rollup.kind === 'count') return []
  const missing = options.on_missing_data ?? undefined
  if (missing !== undefined && missing !== 'default') return []
  const message = `without data ${query.rollup.kind} keeps its last status, so that an alert may never recover: say on_missing_data "resolve"`
  const place = missing === undefined ? 'options' : 'options.on_missing_data'
  return [{ level: 'warning', rule: 'status-may-stay', place, message }]
}

function searchRemarks(query: AlertQuery): Remark[] {
  if (query.form === 'formula') return []
  return query.undocumented.map(({ position, form }) => ({
    ...({ level: 'warning', rule: 'undocumented-search', place: `query:${position + 1}` } as const),
    message: `${form} is not documented by Datadog`,
  }))
}
