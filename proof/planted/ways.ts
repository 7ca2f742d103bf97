import { isDeepStrictEqual } from 'node:util'
import type { Detection } from '../../detections/harness.ts'
import { delayed, plantedLog } from './planted-log.ts'
import { replayed } from './replayed.ts'

export interface Planted {
  readonly events: number
  readonly attacks: number
  /** The ways to replay the log. */
  readonly ways: readonly Way[]
}

export interface Way {
  readonly name: string
  /** @returns whether the replay finds every planted attack at its instant and nothing else */
  holds(): Promise<boolean>
}

const LATENESS_MS = 60_000

/** Makes a planted log, which can be replayed in order, in another order within the lateness, and in two parts. */
export function plant(detections: readonly Detection[], size: number): Planted {
  const monitors = detections.map(({ monitor }) => monitor)
  const { events, expected } = plantedLog(detections, size)
  const late = delayed(events, LATENESS_MS)
  const cut = Math.floor(late.length / 3)
  const way = (name: string, parts: readonly (typeof late)[]): Way => ({
    name,
    holds: async () => isDeepStrictEqual(await replayed(monitors, parts), expected),
  })
  return {
    events: events.length,
    attacks: expected.filter(({ transition }) => transition === 'Triggered').length,
    ways: [
      way('in order', [[...events]]),
      way('in another order', [late]),
      way('cut in two and resumed', [late.slice(0, cut), late.slice(cut)]),
    ],
  }
}
