import { ruleOf } from '../evaluate/state.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { readMonitorJson } from '../monitor/monitor-reading.ts'
import { jsonOf, printQuery } from '../mutate/mutants.ts'

/** One monitor with another threshold and window, and why Datadog would not take it, if it would not. */
export interface Variant {
  readonly windowMs: number
  readonly threshold: number
  readonly monitor: Monitor | undefined
  readonly refused: string | undefined
}

/** Monitors of one window that are evaluated together: the first computes the values, and all of them judge these. */
export interface Team {
  readonly leader: Monitor
  readonly followers: readonly Monitor[]
}

/**
 * The monitor with each of these thresholds and windows. All other options stay as they are, also the other thresholds: where these
 * contradict the new one, the variant is refused as the API would.
 */
export function variantsOf(
  monitor: Monitor,
  thresholds: readonly number[],
  windowsMs: readonly number[],
): readonly Variant[] {
  const { slug, file, parsed, options } = monitor
  const given = jsonOf(monitor)
  return windowsMs.flatMap((windowMs) =>
    thresholds.map((threshold): Variant => {
      const query = printQuery({ ...parsed, windowMs, threshold })
      const changed = {
        ...given,
        query,
        options: { ...options, thresholds: { ...options.thresholds, critical: threshold } },
      }
      const reading = readMonitorJson(changed, { slug, file }, false)
      const faults = [...reading.faults, ...reading.refusals].map(({ place, reason }) => `${place}: ${reason}`)
      return { windowMs, threshold, monitor: reading.monitor, refused: reading.monitor ? undefined : faults.join('; ') }
    }),
  )
}

/** Those that can judge the same values: of one window, and firing on low values or not. */
export function teamsOf(variants: readonly Variant[]): Team[] {
  const teams = new Map<string, Monitor[]>()
  for (const { windowMs, monitor } of variants) {
    if (!monitor) continue
    const kind = `${windowMs} ${ruleOf(monitor).firesOnLess}`
    const members = teams.get(kind) ?? []
    teams.set(kind, members)
    members.push(monitor)
  }
  return [...teams.values()].flatMap(([leader, ...followers]) => (leader ? [{ leader, followers }] : []))
}
