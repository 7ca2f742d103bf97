import type { GroupView, MonitorView } from '../../../api.ts'
import { durationOf, numberOf } from '../../format.ts'
import type { Tone } from '../../ui/badge.tsx'

export type State = GroupView['state']

const RANK: Record<State, number> = { Alert: 0, Warn: 1, 'No Data': 2, OK: 3 }
export const TONE: Record<State, Tone> = { Alert: 'danger', Warn: 'warning', 'No Data': 'quiet', OK: 'good' }

/** The worst state of its groups. */
export const stateOf = ({ groups }: MonitorView): State =>
  groups.reduce<State>((worst, { state }) => (RANK[state] < RANK[worst] ? state : worst), 'OK')

/** Those that alert first, then those with values, each by name: an order that changes only with the state. */
export const inOrder = (monitors: readonly MonitorView[]): MonitorView[] =>
  monitors.toSorted(
    (a, b) =>
      RANK[stateOf(a)] - RANK[stateOf(b)] ||
      Number(a.groups.length === 0) - Number(b.groups.length === 0) ||
      a.detection.localeCompare(b.detection) ||
      a.by.localeCompare(b.by),
  )

export const latestOf = ({ points }: GroupView): number | null => points.at(-1)?.[1] ?? null

/** How near the worst group is to its threshold, from 0 to 1; undefined if it is not known. */
export function nearnessOf(monitor: MonitorView): number | undefined {
  const shares = monitor.groups.map((group) => shareOf(monitor, group)).filter((share) => share !== undefined)
  return shares.length === 0 ? undefined : Math.max(...shares)
}

/**
 * How much of the way to the threshold a value has come. A count over 10 alerts at 11, so 10 is not all of the way; a threshold below
 * one has no way to it.
 */
export function shareOf({ critical, comparator }: MonitorView, group: GroupView): number | undefined {
  const value = latestOf(group)
  if (value === null || critical === null) return undefined
  if (comparator.startsWith('<')) return value === 0 ? 1 : Math.min(1, Math.max(0, critical / value))
  const line = comparator === '>' && Number.isInteger(critical) ? critical + 1 : critical
  return line <= 0 ? undefined : Math.min(1, Math.max(0, value / line))
}

export function thresholdText({ comparator, critical, warning }: MonitorView): string {
  if (critical === null) return 'a match'
  return `${comparator} ${numberOf(critical)}${warning === null ? '' : `, warns ${comparator} ${numberOf(warning)}`}`
}

/** When it is evaluated next. */
export function nextText({ next_evaluation_at }: MonitorView, now: number): string {
  if (next_evaluation_at === null) return 'at each event'
  const left = next_evaluation_at - now
  return left <= 0 ? 'now' : `in ${durationOf(Math.ceil(left / 1000) * 1000)}`
}
