import { isDeepStrictEqual } from 'node:util'
import type { StateChange } from './change.ts'

/** A change here and in Datadog's report, or only one of both. */
export interface Match {
  /** `agrees`, the `time` differs by more than the tolerance, only `here`, or only `reported`. */
  readonly kind: 'agrees' | 'time' | 'here' | 'reported'
  readonly here: StateChange | undefined
  /** Its time is that of the evaluation: the latency is taken off. */
  readonly reported: StateChange | undefined
}

/** A change that was reported so much earlier or later is another change. */
const SAME_CHANGE_MS = 3_600_000

/**
 * Finds for each change here the reported one.
 * @param reported with the latency taken off
 * @param toleranceMs by which the times may differ
 */
export function compareChanges(
  here: readonly StateChange[],
  reported: readonly StateChange[],
  toleranceMs: number,
): Match[] {
  const left = new Set(reported)
  const partners = new Map<StateChange, StateChange>()
  for (const most of [toleranceMs, SAME_CHANGE_MS]) {
    for (const change of here) {
      if (partners.has(change)) continue
      const near = [...left]
        .filter((each) => isSame(each, change) && Math.abs(each.at - change.at) <= most)
        .sort((a, b) => Math.abs(a.at - change.at) - Math.abs(b.at - change.at))
      if (!near[0]) continue
      left.delete(near[0])
      partners.set(change, near[0])
    }
  }
  const matches = here.map((change): Match => {
    const partner = partners.get(change)
    if (!partner) return { kind: 'here', here: change, reported: undefined }
    const kind = Math.abs(partner.at - change.at) <= toleranceMs ? 'agrees' : 'time'
    return { kind, here: change, reported: partner }
  })
  const others = [...left].map((change): Match => ({ kind: 'reported', here: undefined, reported: change }))
  const at = ({ here, reported }: Match) => here?.at ?? reported?.at ?? 0
  return [...matches, ...others].sort((a, b) => at(a) - at(b))
}

const isSame = (a: StateChange, b: StateChange): boolean =>
  a.transition === b.transition && isDeepStrictEqual({ ...a.group }, { ...b.group })
