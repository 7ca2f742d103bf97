import { createHash } from 'node:crypto'
import { isRecord } from '../json.ts'
import type { MonitorFault, MonitorSource } from '../monitor/monitor-reading.ts'
import type { RuleQuery, RuleReading, SiemRule } from './rule.ts'
import { readCases } from './rule-cases.ts'
import { readRuleOptions } from './rule-options.ts'
import { readQueries } from './rule-queries.ts'
import type { Sinks } from './sinks.ts'

/** The types of rules that the API knows. */
const RULE_TYPES = [
  ...['log_detection', 'signal_correlation', 'application_security', 'api_security', 'workload_security'],
  ...['workload_activity', 'infrastructure_configuration', 'cloud_configuration'],
]

/** What exports carry and the API does not take. */
const READ_ONLY_KEYS = [
  ...[
    'id',
    'version',
    'createdAt',
    'creationAuthorId',
    'creator',
    'updatedAt',
    'updateAuthorId',
    'updater',
    'isDefault',
  ],
  ...['isDeleted', 'isDeprecated', 'isPartner', 'isBeta', 'blocking', 'metadata', 'defaultTags', 'deprecationDate'],
  ...['customName', 'customMessage', 'complianceSignalOptions', 'partnerRuleId'],
]

const KEYS = [
  ...['name', 'message', 'type', 'isEnabled', 'queries', 'cases', 'options', 'groupSignalsBy', 'tags', 'filters'],
  ...['hasExtendedTitle', 'referenceTables', 'schedulingOptions', 'calculatedFields', 'thirdPartyCases'],
]

/** What belongs to a rule that is evaluated otherwise, and why it is refused when it holds something. */
const REFUSED: Readonly<Record<string, string>> = {
  filters: 'is deprecated, and not evaluated here: write it into the queries',
  referenceTables: 'is not evaluated here',
  schedulingOptions: 'makes a scheduled rule, which is not evaluated here',
  calculatedFields: 'belongs to scheduled rules, which are not evaluated here',
  thirdPartyCases: 'belongs to the method "third_party", which is not evaluated here',
}

/**
 * Reads a Cloud SIEM rule from its JSON, as `POST /api/v2/security_monitoring/rules` takes it.
 * @param strict for files that are ours: what has no effect, what exports add and what is not known are faults, too
 */
export function readRuleJson(json: Record<string, unknown>, source: MonitorSource, strict: boolean): RuleReading {
  const { slug, file, within = '' } = source
  const faults: MonitorFault[] = []
  const refusals: MonitorFault[] = []
  const notes: MonitorFault[] = []
  const into = (list: MonitorFault[]) => (place: string, reason: string, rule?: string) =>
    void list.push({ file, place: within + place, reason, ...(rule === undefined ? {} : { rule }) })
  const sinks: Sinks = { fault: into(faults), refusal: into(refusals), note: into(strict ? faults : notes) }
  const name = typeof json.name === 'string' ? json.name : slug
  const type = typeof json.type === 'string' ? json.type : 'log_detection'
  const stripped = checkKeys(json, strict, sinks)
  const reading = { slug, file, name, type, monitor: undefined, faults, refusals, notes, stripped, json, within }
  if (type !== 'log_detection') {
    if (RULE_TYPES.includes(type)) sinks.refusal('type', `"${type}" is not evaluated here; "log_detection" is`)
    else sinks.fault('type', `${JSON.stringify(type)} is not one of ${RULE_TYPES.join(', ')}`)
    return { ...reading, rule: undefined }
  }
  const times = readRuleOptions(json.options, sinks)
  // The queries and cases of another method follow other rules.
  if (!times && refusals.length > 0) return { ...reading, rule: undefined }
  const queries = readQueries(json.queries, sinks)
  const cases = readCases(json.cases, queries, sinks)
  const signalBy = readSignalBy(json.groupSignalsBy, queries, sinks)
  if (!times || faults.length > 0 || refusals.length > 0) return { ...reading, rule: undefined }
  const rule: SiemRule = {
    ...{ slug, file, name, queries, cases, signalBy, ...times },
    id: idOf(slug),
    message: typeof json.message === 'string' ? json.message : '',
    tags: Array.isArray(json.tags) ? json.tags.filter((tag) => typeof tag === 'string') : [],
    isEnabled: json.isEnabled !== false,
    hasExtendedTitle: json.hasExtendedTitle === true,
    groupNames: (queries[0]?.by ?? []).map((facet) => facet.name),
  }
  return { ...reading, rule }
}

/** Ids of rules are of the form `abc-def-ghi`. */
function idOf(slug: string): string {
  const hex = createHash('sha256').update(slug).digest('hex')
  return [hex.slice(0, 3), hex.slice(3, 6), hex.slice(6, 9)].join('-')
}

function checkKeys(json: Record<string, unknown>, strict: boolean, { fault, refusal, note }: Sinks): string[] {
  const stripped: string[] = []
  for (const [key, value] of Object.entries(json)) {
    if (READ_ONLY_KEYS.includes(key)) {
      if (strict) fault(key, 'is read-only: the API does not take it')
      else stripped.push(key)
    } else if (Object.hasOwn(REFUSED, key)) {
      const isEmpty = value === null || (Array.isArray(value) && value.length === 0)
      if (!isEmpty) refusal(key, REFUSED[key] ?? '')
    } else if (!KEYS.includes(key)) note(key, 'is not known here')
  }
  for (const key of ['name', 'message']) {
    if (typeof json[key] !== 'string') fault(key, json[key] === undefined ? 'is missing' : 'must be a string')
  }
  checkFlags(json, strict, { fault, note })
  const { tags } = json
  if (tags && !(Array.isArray(tags) && tags.every((tag) => typeof tag === 'string'))) {
    fault('tags', 'must be a list of strings')
  }
  return stripped
}

/** The rules that integrations publish leave `isEnabled` out. */
function checkFlags(
  json: Record<string, unknown>,
  strict: boolean,
  { fault, note }: Pick<Sinks, 'fault' | 'note'>,
): void {
  const { isEnabled, hasExtendedTitle } = json
  if (isEnabled === undefined && strict) fault('isEnabled', 'is missing')
  else if (isEnabled !== undefined && typeof isEnabled !== 'boolean') fault('isEnabled', 'must be true or false')
  else if (isEnabled === false) note('isEnabled', 'is false: Datadog does not evaluate the rule; it is evaluated here')
  if (hasExtendedTitle !== undefined && typeof hasExtendedTitle !== 'boolean') {
    fault('hasExtendedTitle', 'must be true or false')
  }
}

/** Decision `empty-signal-groups`, undocumented: an empty `groupSignalsBy` counts as missing, so each group has a signal of its own. */
function readSignalBy(value: unknown, queries: readonly RuleQuery[], { fault }: Sinks): number[] {
  const all = [...(queries[0]?.by.keys() ?? [])]
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) return all
  if (!Array.isArray(value)) {
    fault('groupSignalsBy', 'must be a list of fields')
    return all
  }
  const places = value.map((name: unknown) => all.findIndex((i) => queries.some(({ by }) => by[i]?.name === name)))
  for (const [i, place] of places.entries()) {
    if (place < 0) fault('groupSignalsBy', `${JSON.stringify(value[i])} is not among the groupByFields of the queries`)
  }
  return all.filter((i) => places.includes(i))
}

/** Whether a JSON object is a rule of Cloud SIEM. */
export const isRule = (json: Record<string, unknown>): boolean =>
  Array.isArray(json.queries) &&
  (Array.isArray(json.cases) || Array.isArray(json.thirdPartyCases)) &&
  (isRecord(json.options) || (typeof json.type === 'string' && RULE_TYPES.includes(json.type)))
