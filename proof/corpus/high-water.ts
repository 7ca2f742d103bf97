import { compileSearch, type IndexedLog, type SearchMonitor } from 'alertproof'
import { pathOf, valueAt } from '../claims/events.ts'

/** How near a detection came to an alert. */
export interface NearMiss {
  /** The highest value of any group; for a detection of silence, the longest one in seconds. */
  readonly value: number
  readonly group: string
}

interface Window {
  readonly seen: { readonly at: number; readonly counted: string }[]
  readonly counts: Map<string, number>
  /** Index of the first log in the window. */
  start: number
}

/**
 * Keeps the highest value that any group of a monitor reached in any window (t − w, t]. It takes logs in order of time
 * and counts them independently of the evaluator, as a check of it.
 */
export class HighWater {
  nearest: NearMiss = { value: 0, group: '' }
  readonly #monitor: SearchMonitor
  readonly #matches
  readonly #groupPath: readonly string[] | undefined
  readonly #valuePath: readonly string[] | undefined
  readonly #windows = new Map<string, Window>()
  #lastBeat: number | undefined

  constructor(monitor: SearchMonitor) {
    const { search, by, rollup } = monitor.parsed
    this.#monitor = monitor
    this.#matches = compileSearch(search)
    this.#groupPath = by[0] && pathOf(by[0])
    this.#valuePath = rollup.kind === 'count' ? undefined : pathOf(rollup.of)
  }

  take(log: IndexedLog): void {
    if (!this.#matches(log)) return
    if (this.#monitor.parsed.operator.startsWith('<')) this.#beat(log.timestamp)
    else this.#count(log)
  }

  #count(log: IndexedLog): void {
    const group = this.#groupPath ? valueAt(log.attributes, this.#groupPath) : ''
    const counted = this.#valuePath ? valueAt(log.attributes, this.#valuePath) : ''
    if (group === undefined || counted === undefined) return
    const value = this.#slide(String(group), String(counted), log.timestamp)
    if (value > this.nearest.value) this.nearest = { value, group: String(group) }
  }

  #beat(at: number): void {
    const silent = this.#lastBeat === undefined ? 0 : (at - this.#lastBeat) / 1000
    this.#lastBeat = at
    if (silent > this.nearest.value) this.nearest = { value: silent, group: '' }
  }

  #slide(group: string, counted: string, at: number): number {
    const window: Window = this.#windows.get(group) ?? { seen: [], counts: new Map(), start: 0 }
    this.#windows.set(group, window)
    const { seen, counts } = window
    seen.push({ at, counted })
    counts.set(counted, (counts.get(counted) ?? 0) + 1)
    const after = at - this.#monitor.parsed.windowMs
    for (let first = seen[window.start]; first && first.at <= after; first = seen[++window.start]) {
      const left = (counts.get(first.counted) ?? 1) - 1
      if (left === 0) counts.delete(first.counted)
      else counts.set(first.counted, left)
    }
    if (window.start > KEPT_BEHIND) {
      seen.splice(0, window.start)
      window.start = 0
    }
    return this.#valuePath ? counts.size : seen.length - window.start
  }
}

/** Logs that have left the window are removed once there are this many, because removing each alone is slow. */
const KEPT_BEHIND = 1_000
