import { createHash } from 'node:crypto'
import { isRecord, numberIn } from '../json.ts'
import { type MonitorOptions, readOptions } from './monitor-options.ts'
import { type AlertQuery, type MonitorQuery, parseMonitorQuery, QueryError } from './monitor-query.ts'
import { type EvaluatedQuery, joinQueries } from './variables.ts'

/** A log monitor exactly as `POST /api/v1/monitor` takes it, read, checked, and fit to be evaluated here. */
export interface Monitor {
  /** What it is called here: the folder or file it came from, or its address in a Terraform state. */
  readonly slug: string
  readonly file: string
  /** Stands for the id that Datadog would give; the same for the same slug. */
  readonly id: number
  readonly name: string
  readonly type: 'log alert'
  readonly query: string
  readonly message: string
  readonly tags: readonly string[]
  readonly priority: number | null
  /** It is evaluated but never notifies. */
  readonly draft: boolean
  readonly options: MonitorOptions
  readonly parsed: EvaluatedQuery
}

/** A monitor of one query: `logs("…")`. */
export interface SearchMonitor extends Monitor {
  readonly parsed: MonitorQuery
}

/** What decides the result of a monitor, as text. Its name, message, tags and priority are only shown. */
export const evaluatedPartOf = ({ query, options }: Monitor): string => JSON.stringify([query, options])

export interface MonitorFault {
  readonly file: string
  /** Where in the JSON: `options.thresholds.critical`; with a position in the text where there is one: `query:57`. */
  readonly place: string
  readonly reason: string
  /** The constraint or kind of rule that it breaks: `new-group-delay-needs-groups`, `query`. */
  readonly rule?: string
}

/** What was found in one monitor or rule. */
export interface Reading {
  readonly slug: string
  readonly file: string
  readonly name: string
  readonly type: string
  /** Datadog would refuse it, or would not do what it says. */
  readonly faults: readonly MonitorFault[]
  /** Datadog evaluates this; we do not. */
  readonly refusals: readonly MonitorFault[]
  /** Read and kept, without effect here, or with a meaning that we chose. */
  readonly notes: readonly MonitorFault[]
  /** Read-only keys of an export that were left out. */
  readonly stripped: readonly string[]
  /** As it stands in the file. */
  readonly json: Readonly<Record<string, unknown>>
  /** The prefix of every place in the file. */
  readonly within: string
}

/** What was found in one monitor of any type. */
export interface MonitorReading extends Reading {
  /** The query of a log alert, in any form; undefined for other types and for a query with a fault. */
  readonly parsed: AlertQuery | undefined
  /** Set if it can be evaluated here: no fault and no refusal. */
  readonly monitor: Monitor | undefined
}

export interface MonitorSource {
  readonly slug: string
  readonly file: string
  /** Where in the file the monitor stands, as a prefix of every place: `monitors[3].`; empty when the file is the monitor. */
  readonly within?: string
}

/** What the UI exports and the API refuses or ignores. */
const READ_ONLY_KEYS = [
  ...['id', 'assets', 'matching_downtimes', 'creator', 'created', 'created_at', 'deleted', 'org_id', 'modified'],
  ...['overall_state', 'overall_state_modified', 'multi', 'state', 'restriction_policy', 'restriction_query'],
]

/** The types of monitors that the API knows. @see https://docs.datadoghq.com/api/latest/monitors/ */
const OTHER_TYPES = [
  ...['audit alert', 'ci-pipelines alert', 'ci-tests alert', 'composite', 'cost alert', 'data-jobs alert'],
  ...['data-quality alert', 'database-monitoring alert', 'error-tracking alert', 'event alert', 'event-v2 alert'],
  ...['metric alert', 'network-path alert', 'network-performance alert', 'process alert', 'query alert', 'rum alert'],
  ...['service check', 'slo alert', 'synthetics alert', 'trace-analytics alert'],
]

/** Whether the API knows a type of monitor by this name. */
export const isMonitorType = (type: unknown): boolean =>
  type === 'log alert' || (typeof type === 'string' && OTHER_TYPES.includes(type))

type Note = (place: string, reason: string, rule?: string) => void
type Check = (value: unknown) => string | undefined

/**
 * Reads a monitor of any type from its JSON.
 * @param strict for files that are ours: what has no effect, what the UI adds and what is not known are faults, too
 */
export function readMonitorJson(
  given: Record<string, unknown>,
  source: MonitorSource,
  strict: boolean,
): MonitorReading {
  const { slug, file, within = '' } = source
  const faults: MonitorFault[] = []
  const refusals: MonitorFault[] = []
  const notes: MonitorFault[] = []
  const into =
    (list: MonitorFault[]): Note =>
    (place, reason, rule) =>
      list.push({ file, place: within + place, reason, ...(rule === undefined ? {} : { rule }) })
  const sinks = { fault: into(faults), refusal: into(refusals), note: into(notes) }
  const json = strict ? given : withNumbers(given, sinks.note)
  const stripped = checkKeys(json, strict, sinks)
  const name = typeof json.name === 'string' ? json.name : slug
  const type = typeof json.type === 'string' ? json.type : ''
  const reading = { slug, file, name, type, faults, refusals, notes, stripped, json, within }
  if (type !== 'log alert') return { ...reading, parsed: undefined, monitor: undefined }

  const parsed = readQuery(json.query, sinks.fault)
  const options = optionsOf(json.options ?? {}, parsed, strict, sinks)
  if (parsed && parsed.form !== 'formula' && parsed.countedFacet) {
    const reason = `.rollup("count", "${parsed.countedFacet.name}") counts logs; "cardinality" counts the values of a facet`
    ;(strict ? sinks.fault : sinks.note)('query', reason, 'count-of-a-facet')
  }
  const evaluated = parsed && evaluatedQuery(parsed, json.options, sinks)
  if (!evaluated || faults.length > 0 || refusals.length > 0) {
    return { ...reading, parsed, monitor: undefined }
  }
  const monitor: Monitor = {
    slug,
    file,
    id: createHash('sha256').update(slug).digest().readUInt32BE(),
    name,
    type,
    query: textOf(json.query),
    message: textOf(json.message),
    tags: Array.isArray(json.tags) ? json.tags.filter((tag) => typeof tag === 'string') : [],
    priority: typeof json.priority === 'number' ? json.priority : null,
    draft: json.draft_status === 'draft',
    options,
    parsed: evaluated,
  }
  return { ...reading, parsed, monitor }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Reads the priority and thresholds that stand as texts, as templates write them, and says so. */
function withNumbers(json: Record<string, unknown>, note: Note): Record<string, unknown> {
  const { priority, options } = json
  const thresholds = isRecord(options) && isRecord(options.thresholds) ? options.thresholds : {}
  const read = Object.entries(thresholds).map(([name, value]) => [name, numberIn(value)] as const)
  const areTexts = read.some(([name, value]) => value !== thresholds[name])
  const isText = numberIn(priority) !== priority
  if (isText) note('priority', 'is a text, and is read as a number')
  if (areTexts) note('options.thresholds', 'holds texts, which are read as numbers')
  return {
    ...json,
    ...(isText && { priority: numberIn(priority) }),
    ...(areTexts && { options: { ...(options as object), thresholds: Object.fromEntries(read) } }),
  }
}

interface Sinks {
  readonly fault: Note
  readonly refusal: Note
  readonly note: Note
}

const aText: Check = (value) =>
  typeof value === 'string' && value !== '' ? undefined : 'must be a string that is not empty'
const aTextList: Check = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') ? undefined : 'must be a list of strings'

const KEY_CHECKS: Readonly<Record<string, Check>> = {
  type: (value) => (value === 'log alert' ? undefined : aText(value)),
  query: aText,
  name: aText,
  message: (value) => (typeof value === 'string' ? undefined : 'must be a string'),
  tags: (value) => (value === null ? undefined : aTextList(value)),
  priority: (value) =>
    value === null || [1, 2, 3, 4, 5].some((priority) => priority === value) ? undefined : 'must be 1 to 5 or null',
  options: (value) => (isRecord(value) ? undefined : 'must be an object'),
  restricted_roles: (value) => (value === null ? undefined : aTextList(value)),
  draft_status: (value) => (value === 'published' || value === 'draft' ? undefined : 'must be "published" or "draft"'),
}

/** @returns the read-only keys that were passed over */
function checkKeys(json: Record<string, unknown>, strict: boolean, sinks: Sinks): string[] {
  const stripped: string[] = []
  for (const [key, value] of Object.entries(json)) {
    const check = Object.hasOwn(KEY_CHECKS, key) ? KEY_CHECKS[key] : undefined
    const fault = check?.(value)
    if (fault !== undefined) sinks.fault(key, fault)
    if (check) continue
    if (!READ_ONLY_KEYS.includes(key)) (strict ? sinks.fault : sinks.note)(key, 'is not a key of a monitor')
    else if (strict) sinks.fault(key, 'is read-only and only in exports of the UI: remove it')
    else stripped.push(key)
  }
  for (const key of strict ? ['name', 'type', 'query', 'message'] : ['type', 'query']) {
    if (!Object.hasOwn(json, key)) sinks.fault(key, 'is missing')
  }
  checkType(json.type, sinks)
  if (json.draft_status === 'draft') {
    if (strict) sinks.refusal('draft_status', 'must be "published" here: a draft never notifies')
    else sinks.note('draft_status', 'a draft is evaluated but never notifies')
  }
  return stripped
}

function checkType(type: unknown, { fault, refusal }: Sinks): void {
  if (typeof type !== 'string' || type === 'log alert' || type === '') return
  if (OTHER_TYPES.includes(type)) refusal('type', `"${type}" is not evaluated here, only "log alert"`)
  else fault('type', `"${type}" is not a type of monitor`)
}

function readQuery(query: unknown, fault: Note): AlertQuery | undefined {
  if (typeof query !== 'string' || query === '') return undefined
  try {
    return parseMonitorQuery(query)
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    fault(`query:${error.position + 1}`, error.message, 'query')
    return undefined
  }
}

function optionsOf(options: unknown, query: AlertQuery | undefined, strict: boolean, sinks: Sinks): MonitorOptions {
  if (!isRecord(options)) return {}
  const { options: read, findings } = readOptions(options, query, strict)
  for (const { kind, path, reason, rule } of findings) sinks[kind](`options.${path}`, reason, rule)
  return read
}

/** @returns the query with what it refers to; undefined, with a refusal, if it is not evaluated */
function evaluatedQuery(query: AlertQuery, options: unknown, sinks: Sinks): EvaluatedQuery | undefined {
  if (query.form === 'logs') return query
  if (query.since !== undefined) {
    sinks.refusal('query', `a cumulative window, .current("${query.since}"), is not evaluated here`)
  }
  if (query.form === 'cumulative') return undefined
  const variables = isRecord(options) ? options.variables : undefined
  return joinQueries(query, variables, (kind, place, reason) => sinks[kind](place, reason))
}
