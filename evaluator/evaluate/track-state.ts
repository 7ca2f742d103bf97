import type { Cycle, State } from './state.ts'
import type { EntryRing, Group } from './windows.ts'

/** A time or duration in epoch ms, null for whichever infinity its place can hold: as JSON has it. */
export type Moment = number | null

/** All of a monitor that its future depends on. Groups go by their place in `keys`. */
export interface TrackState {
  readonly keys: readonly string[]
  readonly standings: readonly (readonly [group: number, standing: Standing])[]
  readonly entries: EntriesState
  /** Groups that are to be evaluated, and those under `new_group_delay`, first come first. */
  readonly changed: readonly number[]
  readonly waiting: readonly number[]
  readonly clock: Moment
  readonly wholeAt: Moment
  readonly timeouts: readonly SilenceState[]
  readonly retentions: readonly SilenceState[]
  readonly hadData: boolean
  readonly sweepAt: number
  readonly limitsCountedAt: Moment
  readonly mostLive: number
  readonly exceeded: { readonly since: number; readonly beyond: number } | null
  readonly notices: NoticesState
}

/** Since when a group has been silent, and when something follows from that. */
type SilenceState = readonly [group: number, since: number, due: number]

/** Where a group stands that is not as any other. */
interface Standing {
  readonly state: State
  readonly withheld: boolean
  readonly lastSeen: Moment
  readonly notBefore: Moment
  readonly emptySince: Moment
  readonly value: Moment
  readonly cycle: Cycle | null
}

/** What a monitor has in memory of logs, oldest first. */
interface EntriesState {
  readonly values: readonly string[]
  /** For each by threes: milliseconds since the one before, group, place in `values`. */
  readonly list: readonly number[]
  /** The window: [from, to) of them. */
  readonly from: number
  readonly to: number
}

export interface NoticesState {
  readonly remindAt: Moment
  /** What `notify_by` puts together. */
  readonly together: readonly {
    readonly key: string
    readonly state: State
    readonly cycle: Cycle | null
    readonly members: readonly number[]
  }[]
}

/** @returns nothing for a group that is as it was when it began */
export function standingOf(group: Group): Standing | undefined {
  const { state, withheld, lastSeen, notBefore, emptySince, value, cycle } = group
  const plain = state === 'OK' && !withheld && lastSeen === -Infinity && notBefore === -Infinity && !cycle
  if (plain && emptySince === Infinity && value === 0) return undefined
  return { state, withheld, lastSeen, notBefore, emptySince, value, cycle: cycle ?? null }
}

export function restoreStanding(
  group: Group,
  { cycle, lastSeen, notBefore, emptySince, value, ...rest }: Standing,
): void {
  Object.assign(group, rest)
  group.lastSeen = lastSeen ?? Number.NEGATIVE_INFINITY
  group.notBefore = notBefore ?? Number.NEGATIVE_INFINITY
  group.emptySince = emptySince ?? Number.POSITIVE_INFINITY
  group.value = value ?? Number.NaN
  group.cycle = cycle ? { ...cycle } : undefined
}

export function entriesOf(ring: EntryRing, groups: ReadonlyMap<Group, number>): EntriesState {
  const values = new Map<string, number>()
  const list: number[] = []
  let before = 0
  for (let position = ring.start; position < ring.end; position++) {
    const group = ring.group(position)
    const value = group.valueAt(ring.slot(position))
    const place = values.get(value) ?? values.size
    values.set(value, place)
    list.push(ring.time(position) - before, groups.get(group) as number, place)
    before = ring.time(position)
  }
  return { values: [...values.keys()], list, from: ring.from - ring.start, to: ring.to - ring.start }
}

/** Puts what was saved into a ring that is empty, without the window. */
export function restoreEntries(ring: EntryRing, { values, list }: EntriesState, groups: readonly Group[]): void {
  let time = 0
  for (let i = 0; i < list.length; i += 3) {
    time += list[i] as number
    const group = groups[list[i + 1] as number] as Group
    ring.insert(time, group, group.hold(values[list[i + 2] as number] as string))
  }
}
