import { readFile } from 'node:fs/promises'
import type { Transition } from '../evaluate/notices.ts'
import { unreadableReason } from '../file-error.ts'
import { InputError } from '../input-error.ts'
import { isRecord } from '../json.ts'
import { parseDocument } from '../monitor/json-document.ts'
import type { MonitorReading } from '../monitor/monitor-reading.ts'
import type { SiemRule } from '../siem/rule.ts'
import type { SignalChange } from '../siem/signal.ts'

/** Facet → value, as in `.by`; empty for a monitor that is not grouped. */
export type GroupValues = Readonly<Record<string, string>>

/** What an expectation may name. */
export type Expectable = Pick<MonitorReading, 'slug' | 'name' | 'monitor' | 'faults' | 'refusals'> & {
  /** A rule of Cloud SIEM in place of a monitor. */
  readonly rule?: SiemRule | undefined
}

/** Whether it is evaluated here. */
export const isEvaluated = ({ monitor, rule }: Pick<Expectable, 'monitor' | 'rule'>): boolean =>
  monitor !== undefined || rule !== undefined

/** For each monitor, by slug, the groups for which it must trigger; for all others, and for all other monitors, it must not. */
export type Expectations = ReadonlyMap<string, readonly GroupValues[]>

/** Every fault of an expectation file, at once. */
export class ExpectationError extends InputError {
  override readonly name = 'ExpectationError'
}

/** The result of the expectations for one monitor. */
export interface Outcome {
  readonly monitor: string
  /** Expected groups for which it never triggered. */
  readonly missing: readonly GroupValues[]
  /** Groups for which it triggered unexpectedly. */
  readonly unexpected: readonly GroupValues[]
  /** Why an expected monitor could not be evaluated. */
  readonly refused?: string
}

/**
 * Reads `{"<slug or name of a monitor>": [{"@ip": "203.0.113.9"}, …], …}`. A monitor that is not grouped has the group `{}`; an
 * empty list says that the monitor must stay silent, as does leaving it out.
 * @throws ExpectationError with every fault of the file
 */
export async function readExpectations(file: string, readings: readonly Expectable[]): Promise<Expectations> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new ExpectationError(`${file}: ${unreadableReason(error)}`)
  })
  const { value, faults } = parseDocument(text)
  const found = faults.map(({ place, reason }) => `${file}:${place}: ${reason}`)
  const expected = new Map<string, GroupValues[]>()
  if (isRecord(value)) {
    for (const [key, groups] of Object.entries(value)) {
      const note = (reason: string) => found.push(`${file}: ${JSON.stringify(key)}: ${reason}`)
      const reading = findReading(key, readings, note)
      if (!reading) continue
      if (expected.has(reading.slug)) note(`${reading.slug} is named twice`)
      else expected.set(reading.slug, readGroups(groups, reading, note))
    }
  } else if (faults.length === 0) found.push(`${file}: must be an object such as {"monitor": [{"@facet": "value"}]}`)
  if (found.length > 0) throw new ExpectationError(found.join('\n'))
  return expected
}

type Note = (reason: string) => void

function findReading(key: string, readings: readonly Expectable[], note: Note): Expectable | undefined {
  const bySlug = readings.find(({ slug }) => slug === key)
  if (bySlug) return bySlug
  const [reading, ...others] = readings.filter(({ name }) => name === key)
  if (!reading) note('there is no monitor of this slug or name')
  else if (others.length > 0) {
    note(`several monitors have this name, say which: ${[reading, ...others].map(({ slug }) => slug).join(', ')}`)
    return undefined
  }
  return reading
}

function readGroups(groups: unknown, expectable: Expectable, note: Note): GroupValues[] {
  if (!Array.isArray(groups)) {
    note('must be a list of groups: [] for a monitor that must stay silent, [{}] for one without groups')
    return []
  }
  const facets = facetsOf(expectable)
  const read: GroupValues[] = []
  for (const group of groups) {
    const values = isRecord(group) ? textsOf(group) : undefined
    if (!values) note(`${JSON.stringify(group)} is not a group: it must be an object of facets with their values`)
    else if (facets && !sameFacets(values, facets))
      note(`${JSON.stringify(group)} is not one of its groups: ${described(facets)}`)
    else if (read.some((other) => keyOf(other) === keyOf(values))) note(`${JSON.stringify(group)} is named twice`)
    else read.push(values)
  }
  return read
}

/** The facets that tell its alerts apart; undefined when it is not evaluated. */
function facetsOf({ monitor, rule }: Expectable): readonly string[] | undefined {
  if (rule) return rule.signalBy.map((i) => rule.groupNames[i] ?? '')
  if (!monitor) return undefined
  const names = monitor.parsed.by.map(({ name }) => name)
  return notifiedFacets(names, monitor.options.notify_by)
}

/** With `notify_by` an alert speaks for all groups that agree in those facets. */
const notifiedFacets = (by: readonly string[], notifyBy: readonly string[] | null | undefined): readonly string[] => {
  if (!notifyBy || notifyBy.length === 0) return by
  return notifyBy.includes('*') ? [] : by.filter((name) => notifyBy.includes(name))
}

function textsOf(group: Record<string, unknown>): GroupValues | undefined {
  const values = Object.entries(group).map(([facet, value]) => [
    facet,
    typeof value === 'number' ? String(value) : value,
  ])
  return values.every(([, value]) => typeof value === 'string') ? Object.fromEntries(values) : undefined
}

const sameFacets = (group: GroupValues, facets: readonly string[]): boolean =>
  Object.keys(group).length === facets.length && facets.every((facet) => Object.hasOwn(group, facet))

const described = (facets: readonly string[]): string =>
  facets.length === 0 ? 'it is not grouped, its only group is {}' : `it is grouped by ${facets.join(', ')}`

const keyOf = (group: GroupValues): string => JSON.stringify(Object.entries(group).sort(([a], [b]) => (a < b ? -1 : 1)))

/** Which monitors triggered for which groups, in the order of the first time. Only the first time of a group is kept. */
export class Triggers {
  readonly #found = new Map<string, Map<string, GroupValues>>()

  add({ monitor, transition, group }: Transition): void {
    if (transition === 'Triggered') this.#addGroup(monitor.slug, group)
  }

  /** A signal that opens counts as a trigger. */
  addSignal({ rule, transition, group }: SignalChange): void {
    if (transition === 'Triggered') this.#addGroup(rule.slug, group)
  }

  #addGroup(slug: string, group: GroupValues): void {
    const groups = this.#found.get(slug) ?? new Map<string, GroupValues>()
    this.#found.set(slug, groups)
    const key = keyOf(group)
    if (!groups.has(key)) groups.set(key, group)
  }

  of(slug: string): GroupValues[] {
    return [...(this.#found.get(slug)?.values() ?? [])]
  }
}

/** @returns an outcome for each monitor that was evaluated or expected, in the order of `readings` */
export function compareTriggers(
  expected: Expectations,
  triggers: Triggers,
  readings: readonly Expectable[],
): Outcome[] {
  const outcomes: Outcome[] = []
  for (const reading of readings) {
    const { slug, faults, refusals } = reading
    const wanted = expected.get(slug)
    if (isEvaluated(reading)) {
      const found = triggers.of(slug)
      outcomes.push({ monitor: slug, missing: lacking(wanted ?? [], found), unexpected: lacking(found, wanted ?? []) })
    } else if (wanted) {
      const refused = [...faults, ...refusals].map(({ place, reason }) => `${place}: ${reason}`).join('; ')
      outcomes.push({ monitor: slug, missing: wanted, unexpected: [], refused })
    }
  }
  return outcomes
}

/** @returns the groups that are not among the others */
export function lacking(groups: readonly GroupValues[], others: readonly GroupValues[]): GroupValues[] {
  const keys = new Set(others.map(keyOf))
  return groups.filter((group) => !keys.has(keyOf(group)))
}

export const holds = ({ missing, unexpected, refused }: Outcome): boolean =>
  missing.length === 0 && unexpected.length === 0 && refused === undefined
