import { Series } from './series.ts'

/** Kept for each monitor and rule. */
export const MAX_GROUPS = 500
/** Of further groups only the keys are kept, to count them. */
const MAX_KEYS = 10_000
const SWEPT = MAX_GROUPS / 10

export type GroupWord = 'OK' | 'Warn' | 'Alert' | 'No Data'

/** The values of the groups of one monitor or rule. Of very many, those with the highest values are kept. */
export class GroupValues {
  readonly kept = new Map<string, Series<GroupWord>>()
  /** Groups with a value that are not kept. */
  readonly #others = new Set<string>()
  /** The highest value of a group that was not kept. */
  #floor = Number.NEGATIVE_INFINITY
  /** While nothing can make room, room is sought once for this many groups. */
  #refused = 0

  get others(): number {
    return this.#others.size
  }

  see(key: string, at: number, value: number, state: GroupWord): void {
    const series = this.kept.get(key) ?? this.#seriesFor(key, value, state)
    series?.add(at, value, state)
  }

  /** @returns undefined for a group that is not kept */
  #seriesFor(key: string, value: number, state: GroupWord): Series<GroupWord> | undefined {
    const isQuiet = Number.isNaN(value) && state === 'OK'
    if (isQuiet || !this.#hasRoomFor(value, state)) {
      if (isQuiet) this.#others.delete(key)
      else this.#count(key)
      return undefined
    }
    this.#others.delete(key)
    const series = new Series<GroupWord>('OK')
    this.kept.set(key, series)
    return series
  }

  #hasRoomFor(value: number, state: GroupWord): boolean {
    if (state === 'OK' && value <= this.#floor && this.kept.size >= MAX_GROUPS - SWEPT) return false
    if (this.kept.size >= MAX_GROUPS && this.#refused++ % SWEPT === 0) this.#sweep()
    return this.kept.size < MAX_GROUPS
  }

  #count(key: string): void {
    if (this.#others.size < MAX_KEYS) this.#others.add(key)
  }

  /** Makes room: groups without a value go first, then those with the lowest values. */
  #sweep(): void {
    for (const [key, series] of this.kept) if (!series.hasValue && series.state === 'OK') this.kept.delete(key)
    if (this.kept.size < MAX_GROUPS) return
    const quiet = [...this.kept].filter(([, { state }]) => state === 'OK').sort(([, a], [, b]) => a.value - b.value)
    for (const [key, { value }] of quiet.slice(0, SWEPT)) {
      this.kept.delete(key)
      this.#count(key)
      this.#floor = Math.max(this.#floor, value)
    }
  }
}
