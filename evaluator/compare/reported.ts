import type { GroupValues } from '../estate/index.ts'
import { InputError } from '../input-error.ts'
import { isRecord } from '../json.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { type ChangeWord, changeWordOf, type StateChange } from './change.ts'

type Values = Readonly<Record<string, unknown>>

/**
 * Reads what Datadog reported of a monitor: records of `POST /api/v2/events/search`, or changes as `alertproof replay --json`
 * prints them. Events of other monitors and reminders are left out.
 * @throws InputError naming the record that says no time, change or group
 */
export function readReported(records: readonly unknown[], monitor: Monitor, id: number | undefined): StateChange[] {
  const changes = records.flatMap((record, i): StateChange[] => {
    const refuse = (reason: string): never => {
      throw new InputError(`reported record ${i + 1} ${reason}`)
    }
    if (!isRecord(record)) return refuse('is not an object')
    return isRecord(record.attributes)
      ? ofEvent(record.attributes, monitor, id, refuse)
      : ofChange(record, monitor, refuse)
  })
  return changes.sort((a, b) => a.at - b.at)
}

type Refuse = (reason: string) => never

function ofChange(record: Values, monitor: Monitor, refuse: Refuse): StateChange[] {
  if (record.monitor !== undefined && record.monitor !== monitor.slug) return []
  const at = timeOf(record.at)
  if (at === undefined) return refuse('has no time `at` in ISO 8601')
  if (typeof record.transition === 'string' && record.transition.startsWith('Re-')) return []
  const transition =
    changeWordOf(record.transition) ?? refuse('has no transition: Triggered, Warn, No Data or Recovered')
  const group = isRecord(record.group) ? record.group : {}
  return [
    { at, transition, group: Object.fromEntries(Object.entries(group).map(([key, value]) => [key, String(value)])) },
  ]
}

function ofEvent(outer: Values, monitor: Monitor, id: number | undefined, refuse: Refuse): StateChange[] {
  const inner = isRecord(outer.attributes) ? outer.attributes : {}
  const about = isRecord(inner.monitor) ? inner.monitor : {}
  const owner = about.id ?? inner.monitor_id
  if (id !== undefined && owner !== undefined && Number(owner) !== id) return []
  const title = typeof inner.title === 'string' ? inner.title : ''
  const at = timeOf(outer.timestamp) ?? timeOf(inner.timestamp)
  if (at === undefined) return refuse('has no timestamp')
  const moved = about.transition ?? inner.transition
  const transition = isRecord(moved) ? changeOf(moved) : changeOfTitle(title)
  if (transition === 'reminder') return []
  if (transition === undefined) return refuse('says no change of state')
  const texts = [about.groups, inner.monitor_groups].find((each) => Array.isArray(each) && each.length > 0)
  const [, scope = ''] = /^(?:\[P\d\] )?\[[^\]{]*\{(.*?)\}\]/.exec(title) ?? []
  const group = groupOf(Array.isArray(texts) ? texts.map(String).join(',') : scope, monitor)
  return group
    ? [{ at, transition, group }]
    : refuse(`names no group by ${monitor.parsed.by.map(({ name }) => name).join(', ')}`)
}

/**
 * Decision `reported-transitions`, undocumented: `monitor.transition` of an alert event has `transition_type`: `alert`,
 * `warning`, `no data`, each with `… recovery`, and `renotify`. `destination_state` is the new state. If both are there,
 * `destination_state` decides.
 */
function changeOf({ transition_type: type, destination_state: state }: Values): ChangeWord | 'reminder' | undefined {
  if (type === 'renotify') return 'reminder'
  const words: Record<string, ChangeWord> = { OK: 'Recovered', Alert: 'Triggered', Warn: 'Warn', 'No Data': 'No Data' }
  if (typeof state === 'string' && Object.hasOwn(words, state)) return words[state]
  if (typeof type !== 'string') return undefined
  if (type.endsWith('recovery')) return 'Recovered'
  const reached: Record<string, ChangeWord> = { alert: 'Triggered', warning: 'Warn', 'no data': 'No Data' }
  return Object.hasOwn(reached, type) ? reached[type] : undefined
}

function changeOfTitle(title: string): ChangeWord | 'reminder' | undefined {
  const [, word = ''] = /^(?:\[P\d\] )?\[(Re-\w+|Triggered|Warn|No Data|Recovered)/.exec(title) ?? []
  return word.startsWith('Re-') ? 'reminder' : changeWordOf(word)
}

/**
 * Decision `reported-groups`, undocumented: `monitor.groups` has `facet:value` texts, one for each facet or all of a group in one,
 * separated by commas, as in `$ALERT_SCOPE`. Without it the title names the group.
 */
function groupOf(text: string, { parsed, options }: Monitor): GroupValues | undefined {
  const together = options.notify_by?.filter((name) => name !== '*')
  const names = parsed.by
    .map(({ name }) => name)
    .filter((name) => options.notify_by == null || together?.includes(name))
  const found = names
    .map((name) => ({ name, start: `,${text}`.indexOf(`,${name}:`) }))
    .sort((a, b) => a.start - b.start)
  if (found.some(({ start }) => start < 0)) return undefined
  return Object.fromEntries(
    found.map(({ name, start }, i) => {
      const next = found[i + 1]
      return [name, text.slice(start + name.length + 1, next ? next.start - 1 : undefined)]
    }),
  )
}

function timeOf(value: unknown): number | undefined {
  const at = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}
