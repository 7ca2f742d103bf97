import { compileSearch, type IndexedLog, type Monitor } from 'alertproof'
import { pathOf, valueAt } from '../claims/events.ts'

/** The nearest that a detection came to an alert. */
export interface NearMiss {
  /** The highest value that a group reached; of a detection of silence, the most seconds that it lasted. */
  readonly value: number
  readonly group: string
}

interface Window {
  readonly times: number[]
  readonly values: string[]
  readonly counts: Map<string, number>
  start: number
}

/**
 * Keeps the highest value that any group of a monitor reached in any window (t − w, t]. It is told of logs in order of time
 * and counts by itself, so that it is also a second opinion on the evaluator.
 */
export class HighWater {
  nearest: NearMiss = { value: 0, group: '' }
  private readonly monitor: Monitor
  private readonly matches
  private readonly groupPath: readonly string[] | undefined
  private readonly valuePath: readonly string[] | undefined
  private readonly windows = new Map<string, Window>()
  private lastBeat: number | undefined

  constructor(monitor: Monitor) {
    const { search, by, rollup } = monitor.parsed
    this.monitor = monitor
    this.matches = compileSearch(search)
    this.groupPath = by[0] && pathOf(by[0])
    this.valuePath = rollup.kind === 'count' ? undefined : pathOf(rollup.of)
  }

  take(log: IndexedLog): void {
    if (!this.matches(log)) return
    if (this.monitor.parsed.operator.startsWith('<')) this.beat(log.timestamp)
    else this.count(log)
  }

  private count(log: IndexedLog): void {
    const group = this.groupPath ? valueAt(log.attributes, this.groupPath) : ''
    const counted = this.valuePath ? valueAt(log.attributes, this.valuePath) : ''
    if (group === undefined || counted === undefined) return
    const value = this.slide(String(group), String(counted), log.timestamp)
    if (value > this.nearest.value) this.nearest = { value, group: String(group) }
  }

  private beat(at: number): void {
    const silent = this.lastBeat === undefined ? 0 : (at - this.lastBeat) / 1000
    this.lastBeat = at
    if (silent > this.nearest.value) this.nearest = { value: silent, group: '' }
  }

  private slide(group: string, counted: string, at: number): number {
    const window: Window = this.windows.get(group) ?? { times: [], values: [], counts: new Map(), start: 0 }
    this.windows.set(group, window)
    const { times, values, counts } = window
    times.push(at)
    values.push(counted)
    counts.set(counted, (counts.get(counted) ?? 0) + 1)
    while ((times[window.start] as number) <= at - this.monitor.parsed.windowMs) {
      const gone = values[window.start++] as string
      const left = (counts.get(gone) ?? 1) - 1
      if (left === 0) counts.delete(gone)
      else counts.set(gone, left)
    }
    if (window.start > 1_000) {
      times.splice(0, window.start)
      values.splice(0, window.start)
      window.start = 0
    }
    return this.valuePath ? counts.size : times.length - window.start
  }
}
