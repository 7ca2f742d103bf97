import type { Group } from './group.ts'
import { statisticOf } from './measure.ts'
import type { Ring } from './ring.ts'
import { nextState, type Rule, type State } from './state.ts'

interface Entry {
  readonly time: number
  readonly slot: number
}

/** The state of a group at the end of an earlier window. */
export interface PastState {
  /** Epoch ms at which the window ended. */
  readonly at: number
  readonly state: State
  readonly value: number
}

/**
 * Evaluates the windows that a late log of time `at` changes: those that end at it or at a later log of its group, up to the first
 * that alerts.
 * Decision `late-logs-live`: live, a late log counts at its own time. If only rising values fire, the windows that end at it or later
 * are evaluated again, and an alert comes at once. For every other rule the log counts from the next evaluation on.
 * @returns the windows in which the group was not OK, in order of time
 */
export function lookBack(entries: Ring, group: Group, at: number, rule: Rule): PastState[] {
  const own = entriesAround(entries, group, at, rule.windowMs)
  const found: PastState[] = []
  let { state } = group
  let first = 0
  for (const [last, { time: end }] of own.entries()) {
    if (end >= at + rule.windowMs) break
    if (end < at || end < group.notBefore || own[last + 1]?.time === end) continue
    while (isUpTo(own[first], end - rule.windowMs)) first++
    const value = rollupOf(group, own.slice(first, last + 1), rule)
    const next = nextState(rule, state, value, true, true)
    if (next === 'OK') continue
    state = next
    found.push({ at: end, state, value })
    if (state === 'Alert') break
  }
  return found
}

/** @returns the entries of the group that share a window with `at`, oldest first */
function entriesAround(entries: Ring, group: Group, at: number, windowMs: number): Entry[] {
  const own: Entry[] = []
  for (let position = entries.start; position < entries.end; position++) {
    const time = entries.time(position)
    if (time > at - windowMs && entries.owner(position) === group.place)
      own.push({ time, slot: entries.slot(position) })
  }
  return own
}

const isUpTo = (entry: Entry | undefined, time: number): boolean => entry !== undefined && entry.time <= time

function rollupOf(group: Group, entries: readonly Entry[], { kind }: Rule): number {
  // Leaving entries can fire a formula, so it is never evaluated again at an earlier time.
  if (kind === 'formula') return Number.NaN
  if (kind === 'count') return entries.length
  if (kind === 'cardinality') return new Set(entries.map(({ slot }) => slot)).size
  const numbers = statisticOf(kind)
  for (const { slot } of entries) numbers.add(Number(group.valueAt(slot)))
  return numbers.value()
}
