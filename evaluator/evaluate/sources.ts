import type { Monitor } from '../monitor/monitor.ts'
import { queriesOf } from '../monitor/variables.ts'
import { SHARED_KEY, type Source } from './reading.ts'

/** One of the queries of monitors and rules, which are numbered through. */
export interface PlacedSource extends Source {
  /** The index of the monitor, or of the query of a rule behind all monitors. */
  readonly track: number
  /** The index of the query among those of the monitor. */
  readonly part: number
  /** The key of all entries; undefined for a query whose entries have the key of their group. */
  readonly key: string | undefined
}

/** The queries of monitors, in the order of the monitors, and then those of rules. */
export const sourcesOf = (
  monitors: readonly Pick<Monitor, 'parsed'>[],
  ofRules: readonly Source[] = [],
): PlacedSource[] => [
  ...monitors.flatMap(({ parsed }, track) =>
    queriesOf(parsed).map((query, part) => ({
      ...{ parsed: query, track, part },
      key: query.by.length < parsed.by.length ? SHARED_KEY : undefined,
    })),
  ),
  ...ofRules.map((source, i) => ({ ...source, track: monitors.length + i, part: 0, key: undefined })),
]
