import { isRecord } from '../json.ts'
import type { AlertQuery } from './monitor-query.ts'
import { retentionMs } from './option-values.ts'

/** @returns what is wrong with a value, if anything */
export type Check = (value: unknown) => string | undefined

/** A fault of one option. */
export interface Violation {
  /** Below `options`: `thresholds.critical`. */
  readonly path: string
  readonly reason: string
}

/** What a constraint checks. */
export interface Given {
  /** As the JSON says them, without those that are null. */
  readonly options: Readonly<Record<string, unknown>>
  /** Undefined when the query cannot be read. */
  readonly query: AlertQuery | undefined
}

/** A rule for the options of a log monitor. */
export interface Constraint {
  readonly id: string
  /** Where it is documented, or was observed. */
  readonly source: string
  /** `fault`: the API answers 400. `warning`: the API accepts it, without effect or with an effect that differs by account. */
  readonly kind: 'fault' | 'warning'
  readonly find: (given: Given) => readonly Violation[]
}

const API = 'API specification, MonitorOptions'
const GUIDE = 'monitors/guide/monitor_api_options'
const DAY_SECONDS = 86_400

const aBoolean: Check = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false')
const aText: Check = (value) => (typeof value === 'string' ? undefined : 'must be a string')
const anObject: Check = (value) => (isRecord(value) ? undefined : 'must be an object')
const oneOf =
  (...words: readonly unknown[]): Check =>
  (value) =>
    words.includes(value) ? undefined : `must be one of ${words.map((word) => JSON.stringify(word)).join(', ')}`
const anInteger =
  (least: number, most: number): Check =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
      ? undefined
      : `must be a whole number from ${least} to ${most}`
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) ? value.map(check).find((fault) => fault !== undefined) : 'must be a list'

export const NOTIFICATION_PRESETS = [
  'show_all',
  'hide_query',
  'hide_handles',
  'hide_all',
  'hide_query_and_handles',
  'show_only_snapshot',
  'hide_handles_and_footer',
] as const

/** The allowed values of each option with an effect on a log monitor. An option that was never set is null. */
export const OPTION_VALUES: Readonly<Record<string, { readonly check: Check; readonly source: string }>> = {
  thresholds: { check: anObject, source: API },
  on_missing_data: { check: oneOf('default', 'show_no_data', 'show_and_notify_no_data', 'resolve'), source: API },
  group_retention_duration: {
    check: (value) =>
      retentionMs(value) === undefined ? 'must be "1h" to "72h", "60m" to "4320m" or "1d" to "3d"' : undefined,
    source: API,
  },
  new_group_delay: { check: anInteger(0, DAY_SECONDS), source: API },
  new_host_delay: { check: anInteger(0, DAY_SECONDS), source: API },
  evaluation_delay: { check: anInteger(0, DAY_SECONDS), source: GUIDE },
  renotify_interval: { check: anInteger(0, 10_080), source: GUIDE },
  renotify_statuses: { check: listOf(oneOf('alert', 'warn', 'no data')), source: API },
  renotify_occurrences: { check: anInteger(0, 1_000_000), source: API },
  escalation_message: { check: aText, source: API },
  include_tags: { check: aBoolean, source: API },
  enable_logs_sample: { check: aBoolean, source: API },
  notify_audit: { check: aBoolean, source: API },
  notify_by: { check: listOf(aText), source: API },
  timeout_h: { check: anInteger(0, 24), source: `${API}: between 0 and 24 hours` },
  notification_preset_name: { check: oneOf(...NOTIFICATION_PRESETS), source: API },
  groupby_simple_monitor: { check: aBoolean, source: API },
  scheduling_options: { check: anObject, source: API },
  variables: { check: listOf((value) => (isRecord(value) ? undefined : 'must be a list of objects')), source: API },
}

/** The rules between the options of a log monitor and its query. */
export const constraints: readonly Constraint[] = [
  {
    id: 'threshold-is-a-number',
    source: `${API}: MonitorThresholds`,
    kind: 'fault',
    find: ({ options }) =>
      thresholdsOf(options).flatMap(([name, value]) =>
        THRESHOLD_NAMES.includes(name) && !(typeof value === 'number' && Number.isFinite(value))
          ? [violation(`thresholds.${name}`, 'must be a number')]
          : [],
      ),
  },
  {
    id: 'threshold-is-known',
    source: `${API}: MonitorThresholds; UI exports carry more`,
    kind: 'warning',
    find: ({ options }) =>
      thresholdsOf(options).flatMap(([name]) =>
        THRESHOLD_NAMES.includes(name) ? [] : [violation(`thresholds.${name}`, 'is not a threshold of a log monitor')],
      ),
  },
  {
    id: 'thresholds-need-critical',
    source: 'DataDog/datadog-operator#2106: 400 "Alert status is required."',
    kind: 'fault',
    find: ({ options }) =>
      threshold(options, 'critical') === undefined
        ? DEPENDENT_THRESHOLDS.filter((name) => threshold(options, name) !== undefined).map((name) =>
            violation(`thresholds.${name}`, 'needs critical as well: Alert status is required.'),
          )
        : [],
  },
  {
    id: 'critical-is-the-number-of-the-query',
    source: 'DataDog/datadogpy, tests: 400 "Alert threshold (90.0) does not match that used in the query (200.0)."',
    kind: 'fault',
    find: ({ options, query }) => {
      const critical = threshold(options, 'critical')
      if (!query || critical === undefined || critical === query.threshold) return []
      const reason = `Alert threshold (${critical}) does not match that used in the query (${query.threshold}).`
      return [violation('thresholds.critical', reason)]
    },
  },
  ...(
    [
      ['warning', 'critical'],
      ['critical_recovery', 'critical'],
      ['warning_recovery', 'warning'],
    ] as const
  ).map(
    ([name, limitName]): Constraint => ({
      id: `${name.replace('_', '-')}-is-on-the-quiet-side`,
      source: 'monitors/guide/recovery-thresholds',
      kind: 'fault',
      find: ({ options, query }) => {
        const value = threshold(options, name)
        if (!query || value === undefined) return []
        const limit = limitName === 'critical' ? query.threshold : threshold(options, limitName)
        const path = `thresholds.${name}`
        if (limit === undefined) return [violation(path, `needs ${limitName} as well`)]
        const { operator } = query
        if (operator === '==' || operator === '!=') return [violation(path, `has no meaning with ${operator}`)]
        const isQuiet = operator.startsWith('>') ? value < limit : value > limit
        return isQuiet ? [] : [violation(path, `${value} is not on the quiet side of ${limitName} (${limit})`)]
      },
    }),
  ),
  {
    id: 'new-group-delay-needs-groups',
    source: 'DataDog/datadog-operator#842: 400 "The new_group_delay option can only be used for multi-alert monitors"',
    kind: 'fault',
    find: ({ options, query }) =>
      isSet(options.new_group_delay) && isUngrouped(query, options)
        ? [violation('new_group_delay', 'can only be used for multi-alert monitors: the query has no .by')]
        : [],
  },
  {
    id: 'notify-by-needs-groups',
    source: 'DataDog/datadog-sync-cli#625: 400 for any facet where the query has no grouping',
    kind: 'fault',
    find: ({ options, query }) =>
      listed(options.notify_by).some((name) => name !== '*') && isUngrouped(query, options)
        ? [violation('notify_by', 'has no meaning: the query has no .by')]
        : [],
  },
  {
    // Decision `notify-by-ungrouped`: ignored, as the API's text says; some accounts refuse it, as Datadog's sync tool knows.
    id: 'notify-by-star-needs-groups',
    source: 'DataDog/datadog-sync-cli#625: a no-op in some accounts, 400 in others',
    kind: 'warning',
    find: ({ options, query }) =>
      listed(options.notify_by).length > 0 &&
      listed(options.notify_by).every((name) => name === '*') &&
      isUngrouped(query, options)
        ? [violation('notify_by', 'has no meaning: the query has no .by')]
        : [],
  },
  {
    id: 'notify-by-names-groups',
    source: `${API}: must be a subset of the query's group keys`,
    kind: 'fault',
    find: ({ options, query }) => {
      const facets = facetsOf(query, options)
      const other = listed(options.notify_by).find((name) => name !== '*' && !facets.includes(String(name)))
      return other === undefined || facets.length === 0
        ? []
        : [violation('notify_by', `${other} is not one of the facets that the query groups by`)]
    },
  },
  {
    id: 'notify-by-star-stands-alone',
    source: API,
    kind: 'fault',
    find: ({ options }) =>
      listed(options.notify_by).includes('*') && listed(options.notify_by).length > 1
        ? [violation('notify_by', '"*" must be the only entry')]
        : [],
  },
  {
    id: 'notify-by-leaves-a-group-key-out',
    source: `DataDog/terraform-provider-datadog#2102: 400 "The notify_by list may not include all of the query's group keys."`,
    kind: 'warning',
    find: ({ options, query }) => {
      const facets = facetsOf(query, options)
      return facets.length > 0 && facets.every((name) => listed(options.notify_by).includes(name))
        ? [
            violation(
              'notify_by',
              'names every facet of .by, which means the same as no notify_by: some accounts refuse it',
            ),
          ]
        : []
    },
  },
  ...(['renotify_occurrences', 'renotify_statuses'] as const).map(
    (name): Constraint => ({
      id: `${name.replace('_', '-')}-needs-interval`,
      source: `DataDog/terraform-provider-datadog#2820: "The ${name} option can only be used if renotify_interval is set"`,
      kind: 'fault',
      find: ({ options }) =>
        isSet(options[name]) && !isSet(options.renotify_interval)
          ? [violation(name, 'can only be used if renotify_interval is set')]
          : [],
    }),
  ),
  {
    id: 'escalation-message-needs-interval',
    source: `${GUIDE}: not applicable if renotify_interval is null`,
    kind: 'warning',
    find: ({ options }) =>
      isSet(options.escalation_message) && !isSet(options.renotify_interval)
        ? [violation('escalation_message', 'is never sent: renotify_interval is not set')]
        : [],
  },
  {
    id: 'group-retention-needs-groups',
    source: 'monitors/configuration, "Group retention time": only available for multi-alert monitors',
    kind: 'warning',
    find: ({ options, query }) =>
      isSet(options.group_retention_duration) && isUngrouped(query, options)
        ? [violation('group_retention_duration', 'has no effect: the query has no .by')]
        : [],
  },
  {
    id: 'evaluation-window-values',
    source: `${API}: scheduling_options.evaluation_window`,
    kind: 'fault',
    find: ({ options }) =>
      Object.entries(evaluationWindow(options)).flatMap(([name, value]) => {
        const fault = Object.hasOwn(WINDOW_VALUES, name) ? WINDOW_VALUES[name]?.(value) : undefined
        return fault === undefined ? [] : [violation(`scheduling_options.evaluation_window.${name}`, fault)]
      }),
  },
  {
    id: 'evaluation-window-hours-stand-alone',
    source: `${API}: if hour_starts is set, no other fields may be set`,
    // Datadog's own examples set all of them, and the API takes those.
    kind: 'warning',
    find: ({ options }) => {
      const { hour_starts: hours, ...others } = evaluationWindow(options)
      return hours === undefined || Object.keys(others).length === 0
        ? []
        : [violation('scheduling_options.evaluation_window.hour_starts', 'must be the only field')]
    },
  },
  {
    id: 'variables-have-different-names',
    source: `${API}: variables[].name`,
    kind: 'fault',
    find: ({ options }) => {
      const names = listed(options.variables).map((variable) => (isRecord(variable) ? variable.name : undefined))
      return names.flatMap((name, i) =>
        name !== undefined && names.indexOf(name) < i
          ? [violation(`variables[${i}].name`, `${JSON.stringify(name)} is used twice`)]
          : [],
      )
    },
  },
]

const WINDOW_VALUES: Readonly<Record<string, Check>> = {
  hour_starts: anInteger(0, 59),
  day_starts: (value) =>
    typeof value === 'string' && /^([01]\d|2[0-3]):[0-5]\d$/.test(value) ? undefined : 'must be "00:00" to "23:59"',
  month_starts: anInteger(1, 1),
  timezone: aText,
}

const violation = (path: string, reason: string): Violation => ({ path, reason })

const THRESHOLD_NAMES: readonly string[] = ['critical', 'warning', 'critical_recovery', 'warning_recovery']
const DEPENDENT_THRESHOLDS = ['warning', 'critical_recovery', 'warning_recovery']

type Options = Given['options']

function thresholdsOf({ thresholds }: Options): [name: string, value: unknown][] {
  return isRecord(thresholds) ? Object.entries(thresholds).filter(([, value]) => value !== null) : []
}

function threshold(options: Options, name: string): number | undefined {
  const [, value] = thresholdsOf(options).find(([each]) => each === name) ?? []
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function evaluationWindow({ scheduling_options: scheduling }: Options): Readonly<Record<string, unknown>> {
  const window = isRecord(scheduling) ? scheduling.evaluation_window : undefined
  return isRecord(window) ? Object.fromEntries(Object.entries(window).filter(([, value]) => value !== null)) : {}
}

const listed = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** The provider of Terraform and the UI write 0, an empty text or an empty list for an option that was never set. */
const isSet = (value: unknown): boolean =>
  !(
    value === undefined ||
    value === null ||
    value === 0 ||
    value === '' ||
    (Array.isArray(value) && value.length === 0)
  )

function isUngrouped(query: AlertQuery | undefined, options: Options): boolean {
  return query !== undefined && facetsOf(query, options).length === 0
}

/** The facets by which the query groups; those of a formula stand in its variables. */
export function facetsOf(query: AlertQuery | undefined, { variables }: Options): readonly string[] {
  if (!query) return []
  if (query.form !== 'formula') return query.by.map(({ name }) => name)
  const groups = listed(variables).flatMap((variable) => (isRecord(variable) ? listed(variable.group_by) : []))
  return [
    ...new Set(groups.flatMap((group) => (isRecord(group) && typeof group.facet === 'string' ? [group.facet] : []))),
  ]
}
