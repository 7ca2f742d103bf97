import type { Group } from './group.ts'
import type { JoinedLimits } from './joined-limits.ts'
import { JoinedGroup } from './joining.ts'
import type { Lifetimes, LifetimesState } from './lifetimes.ts'
import { type Moment, NO_DEADLINE, NOT_YET } from './moment.ts'
import type { Notices, NoticesState } from './notices.ts'
import type { MonitorParts } from './parts.ts'
import type { Places } from './places.ts'
import type { Ring } from './ring.ts'
import type { Cycle, State } from './state.ts'
import type { Waits, WaitsState } from './waits.ts'
import type { Window } from './window.ts'
import type { Withholding, WithholdingState } from './withholding.ts'

/** Everything that later evaluations of a monitor depend on, except samples. A group is given by its index in `keys`. */
export interface TrackState extends WaitsState, LifetimesState, WithholdingState {
  readonly keys: readonly string[]
  readonly standings: readonly (readonly [group: number, standing: Standing])[]
  readonly entries: EntriesState
  /** The groups that the next evaluation must evaluate. */
  readonly changed: readonly number[]
  readonly clock: Moment
  readonly hadData: boolean
  readonly sweepAt: number
  readonly notices: NoticesState
}

/** The state of a group that differs from a new one. */
interface Standing {
  readonly state: State
  readonly withheld: boolean
  readonly lastSeen: Moment
  readonly notBefore: Moment
  readonly emptySince: Moment
  readonly value: Moment
  readonly cycle: Cycle | null
  /** Of a formula: the queries for which the group is beyond the limits. */
  readonly withheldParts?: number
}

/** The entries in memory, oldest first. */
interface EntriesState {
  readonly values: readonly string[]
  /** Three numbers for each entry: milliseconds since the entry before, group, index in `values`. */
  readonly list: readonly number[]
  /** The entries in the window: [from, to). */
  readonly from: number
  readonly to: number
}

/** The parts of a monitor's evaluation that have a state to save. */
export interface StatefulParts extends MonitorParts {
  readonly window: Window
  readonly waits: Waits
  readonly lifetimes: Lifetimes
  /** Undefined for a monitor that is not grouped. */
  readonly withholding: Withholding | JoinedLimits | undefined
  readonly notices: Notices
}

const NOTHING_WITHHELD: WithholdingState = { limitsCountedAt: NOT_YET, mostLive: 0, exceeded: null }

/** Collects the state of all parts. */
export function saveParts(parts: StatefulParts): Omit<TrackState, 'clock' | 'hadData'> {
  const { window, changes, waits, lifetimes, withholding, notices } = parts
  const groups = [...parts.groups].filter((group) => !group.isAsNew)
  const places = new Map(groups.map((group, place) => [group, place]))
  const placeOf = (group: Group) => {
    const place = places.get(group)
    if (place === undefined) throw new Error(`the group ${group.key} has been forgotten, so its state cannot be saved`)
    return place
  }
  return {
    keys: groups.map(({ key }) => key),
    standings: groups.flatMap((group, place) => {
      const standing = standingOf(group)
      return standing ? [[place, standing] as const] : []
    }),
    entries: entriesOf(window, parts.groups.places, placeOf),
    changed: changes.groups.filter(({ forgotten }) => !forgotten).map(placeOf),
    sweepAt: parts.groups.sweepAt,
    ...waits.save(placeOf),
    ...lifetimes.save(placeOf),
    ...(withholding?.save() ?? NOTHING_WITHHELD),
    notices: notices.save(placeOf),
  }
}

/** Restores a saved state, which may have been written as JSON, into the new parts of the same monitor. */
export function restoreParts(parts: StatefulParts, state: TrackState): void {
  const { window, changes, waits, lifetimes, withholding, notices } = parts
  // The groups have no entries yet, so that a sweep would forget them.
  parts.groups.sweepAt = NO_DEADLINE
  const groups = state.keys.map((key) => parts.groups.of(key))
  const groupAt = (place: number) => {
    const group = groups[place]
    if (!group) throw new RangeError(`the saved state has no group ${place}`)
    return group
  }
  restoreEntries(window.entries, state.entries, groupAt)
  window.restore(state.entries.from, state.entries.to)
  // Restoring the entries has listed groups. The saved list replaces them.
  changes.take()
  for (const [place, standing] of state.standings) {
    restoreStanding(groupAt(place), standing)
    parts.groups.places.setChanged(groupAt(place).place)
  }
  for (const group of groups) if (group.state !== 'OK') parts.groups.active.add(group)
  for (const place of state.changed) changes.mark(groupAt(place))
  parts.groups.sweepAt = state.sweepAt
  waits.restore(state, groupAt)
  lifetimes.restore(state, groupAt)
  withholding?.restore(state)
  notices.restore(state.notices, groups, groupAt)
}

/** @returns undefined for a group that does not differ from a new one */
function standingOf(group: Group): Standing | undefined {
  const { state, withheld, lastSeen, notBefore, emptySince, value, cycle } = group
  const plain = state === 'OK' && !withheld && lastSeen === NOT_YET && notBefore === NOT_YET && !cycle
  const withheldParts = group instanceof JoinedGroup ? group.withheldParts : 0
  if (plain && !group.isSilent && value === 0 && withheldParts === 0) return undefined
  const standing = { state, withheld, lastSeen, notBefore, emptySince, value, cycle: cycle ?? null }
  return withheldParts === 0 ? standing : { ...standing, withheldParts }
}

function restoreStanding(group: Group, { cycle, lastSeen, notBefore, emptySince, value, ...rest }: Standing): void {
  Object.assign(group, rest)
  group.lastSeen = lastSeen ?? NOT_YET
  group.notBefore = notBefore ?? NOT_YET
  group.emptySince = emptySince ?? NO_DEADLINE
  group.value = value ?? Number.NaN
  group.cycle = cycle ? { ...cycle } : undefined
}

function entriesOf(
  { entries, from, to }: Window,
  places: Places<Group>,
  placeOf: (group: Group) => number,
): EntriesState {
  const values = new Map<string, number>()
  const list: number[] = []
  let before = 0
  for (let position = entries.start; position < entries.end; position++) {
    const group = places.at(entries.owner(position))
    const value = group.valueAt(entries.slot(position))
    const place = values.get(value) ?? values.size
    values.set(value, place)
    list.push(entries.time(position) - before, placeOf(group), place)
    before = entries.time(position)
  }
  return { values: [...values.keys()], list, from: from - entries.start, to: to - entries.start }
}

function restoreEntries(entries: Ring, { values, list }: EntriesState, groupAt: (place: number) => Group): void {
  let time = 0
  for (let i = 0; i < list.length; i += 3) {
    const [elapsed = 0, place = 0, value = 0] = list.slice(i, i + 3)
    time += elapsed
    const group = groupAt(place)
    entries.insert(time, group.place, group.hold(values[value] ?? ''))
  }
}
