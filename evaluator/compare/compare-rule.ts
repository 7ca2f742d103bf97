import { InputError } from '../input-error.ts'
import { isRecord } from '../json.ts'
import type { IndexedLog } from '../log.ts'
import { Replayer } from '../replay/index.ts'
import type { SiemRule } from '../siem/rule.ts'
import type { SignalChange } from '../siem/signal.ts'
import type { Period } from './account.ts'
import type { StateChange } from './change.ts'
import { type Assumptions, type Judged, matchesWithin } from './compare.ts'

type Values = Readonly<Record<string, unknown>>

/**
 * Reads the signals that Datadog opened by a rule: records of `POST /api/v2/security_monitoring/signals/search`, or changes as
 * `alertproof replay --json` prints them. Signals of other rules, and those that rise or close, are left out.
 * @param id of the rule in the account
 * @throws InputError naming a record that says no time or group
 */
export function readReportedSignals(records: readonly unknown[], rule: SiemRule, id?: string): StateChange[] {
  const opened = records.flatMap((record, i): StateChange[] => {
    const refuse = (reason: string): never => {
      throw new InputError(`reported record ${i + 1} ${reason}`)
    }
    if (!isRecord(record)) return refuse('is not an object')
    return isRecord(record.attributes) ? ofSignal(record.attributes, rule, id, refuse) : ofChange(record, rule, refuse)
  })
  return opened.sort((a, b) => a.at - b.at)
}

type Refuse = (reason: string) => never

function ofChange(record: Values, { slug }: SiemRule, refuse: Refuse): StateChange[] {
  if ((record.monitor ?? slug) !== slug) return []
  if (record.transition === 'Raised' || record.transition === 'Closed') return []
  if (record.transition !== 'Triggered') return refuse('has no transition: Triggered, Raised or Closed')
  const at = typeof record.at === 'string' ? Date.parse(record.at) : Number.NaN
  if (Number.isNaN(at)) return refuse('has no time `at` in ISO 8601')
  const group = Object.entries(isRecord(record.group) ? record.group : {})
  return [{ transition: 'Triggered', at, group: Object.fromEntries(group.map(([key, value]) => [key, String(value)])) }]
}

/**
 * A signal of the API: `attributes.custom.workflow` has its rule and when it was first seen.
 * Decision `signal-groups`, undocumented: `attributes.custom` has each value of the group at the path of its field; a tag is also among
 * `attributes.tags`. A field with several values names no group.
 */
function ofSignal(signal: Values, rule: SiemRule, id: string | undefined, refuse: Refuse): StateChange[] {
  const custom = isRecord(signal.custom) ? signal.custom : {}
  const workflow = isRecord(custom.workflow) ? custom.workflow : {}
  const owner = isRecord(workflow.rule) ? workflow.rule.id : undefined
  if (id !== undefined && owner !== undefined && owner !== id) return []
  const at = [workflow.first_seen, signal.timestamp].map(timeOf).find((time) => time !== undefined)
  if (at === undefined) return refuse('has no first_seen and no timestamp')
  const tags = Array.isArray(signal.tags) ? signal.tags.map(String) : []
  const group = rule.signalBy.map((i): [string, string] => {
    const name = rule.groupNames[i] ?? ''
    return [name, valueIn(custom, tags, rule, i) ?? refuse(`has no value of ${name}, by which the rule groups`)]
  })
  return [{ transition: 'Triggered', at, group: Object.fromEntries(group) }]
}

/** The value of one field of a group, by its name in any of the queries. */
function valueIn(custom: Values, tags: readonly string[], { queries }: SiemRule, place: number): string | undefined {
  for (const name of new Set(queries.flatMap(({ by }) => by[place]?.name ?? []))) {
    const path = name.replace(/^@/, '')
    const found = [custom[path] ?? at(custom, path.split('.'))].flat()
    const [only] = found
    if (found.length === 1 && ['string', 'number', 'boolean'].includes(typeof only)) return String(only)
    const ofTags = tags.filter((tag) => tag.startsWith(`${path}:`)).map((tag) => tag.slice(path.length + 1))
    if (ofTags.length === 1) return ofTags[0]
  }
  return undefined
}

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce((inner: unknown, key) => (isRecord(inner) ? inner[key] : undefined), value)

function timeOf(value: unknown): number | undefined {
  const time = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

/** Evaluates a rule over logs and compares the signals that open with those that Datadog opened. */
export function compareRule(
  rule: SiemRule,
  logs: readonly IndexedLog[],
  reported: readonly StateChange[],
  assumptions: Assumptions,
  period: Period | undefined,
): Judged[] {
  const here: StateChange[] = []
  const take = ({ transition, group, at }: SignalChange) => {
    if (transition === 'Triggered') here.push({ transition, group, at })
  }
  const replayer = new Replayer([], { rules: [rule] }, () => {}, take)
  for (const log of logs.toSorted((a, b) => a.timestamp - b.timestamp)) replayer.push(log, log.timestamp)
  replayer.finish()
  const likely = ['rule-at-each-event', ...(rule.queries.length > 1 ? ['join-by-position'] : []), 'signal-first-seen']
  return matchesWithin(here, reported, assumptions, period).map((match) => ({
    ...match,
    likely: match.kind === 'agrees' ? [] : likely,
  }))
}
