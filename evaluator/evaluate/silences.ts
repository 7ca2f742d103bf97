import type { Group } from './group.ts'
import { NO_DEADLINE } from './moment.ts'

interface Silence {
  readonly group: Group
  readonly since: number
  readonly due: number
}

/** A saved silence: since when a group has been silent, and when it has lasted long enough. */
export type SilenceState = readonly [group: number, since: number, due: number]

/** Silent groups in order of the time at which their silence has lasted long enough. The duration is the same for all. */
export class Silences {
  readonly #lastsMs: number
  #waiting: Silence[] = []
  #head = 0

  constructor(lastsMs: number) {
    this.#lastsMs = lastsMs
  }

  /** @param at the time, which is not before that of the previous call */
  add(group: Group, at: number): void {
    if (Number.isFinite(this.#lastsMs)) this.#put(group, group.emptySince, at + this.#lastsMs)
  }

  /** Epoch ms at which the first silence has lasted long enough. */
  get due(): number {
    return this.#first()?.due ?? NO_DEADLINE
  }

  /** Removes the first group whose silence has lasted long enough at `at`. */
  take(at: number): Group | undefined {
    const first = this.#first()
    if (!first || first.due > at) return undefined
    this.#head++
    if (this.#head > 1024 && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#head = 0
    }
    return first.group
  }

  save(placeOf: (group: Group) => number): SilenceState[] {
    return this.#waiting
      .slice(this.#head)
      .filter(isSilent)
      .map(({ group, since, due }): SilenceState => [placeOf(group), since, due])
  }

  restore(states: readonly SilenceState[], groupAt: (place: number) => Group): void {
    for (const [place, since, due] of states) this.#put(groupAt(place), since, due)
  }

  #put(group: Group, since: number, due: number): void {
    this.#waiting.push({ group, since, due })
  }

  /** The first silence that has not ended. Removes those before it. */
  #first(): Silence | undefined {
    for (let first = this.#waiting[this.#head]; first; first = this.#waiting[++this.#head]) {
      if (isSilent(first)) return first
    }
    // Most monitors have no silent group, so the empty list is replaced only when it was used.
    if (this.#head > 0) this.#waiting = []
    this.#head = 0
    return undefined
  }
}

const isSilent = ({ group, since }: Silence): boolean => group.emptySince === since && !group.forgotten
