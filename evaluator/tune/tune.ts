import { type GroupValues, lacking } from '../estate/index.ts'
import type { Transition } from '../evaluate/notices.ts'
import type { LogInput } from '../logs/index.ts'
import { replayLogs } from '../logs/index.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { ReplayOptions, ReplaySummary } from '../replay/index.ts'
import { type Team, teamsOf, type Variant, variantsOf } from './grid.ts'
import { Alerted, Peaks } from './peaks.ts'
import { obstaclesOf, rangesOf } from './ranges.ts'
import { windowText } from './texts.ts'
import type { Cell, Tuning } from './tuning.ts'

/** What one monitor is tried with. */
export interface Trial {
  readonly monitor: Monitor
  readonly thresholds: readonly number[]
  /** Milliseconds. */
  readonly windows: readonly number[]
  /** The groups for which it must alert, and no others; undefined if nothing is expected of it. */
  readonly expected?: readonly GroupValues[] | undefined
}

/** How a log is evaluated. */
export type TuneReplay = Omit<ReplayOptions, 'rules' | 'observer' | 'followersOf'>

/** Takes the parts of a log that are no event. */
export interface FaultSink {
  add(place: string, reason: string): void
  /** Forgets them: the log is read again. */
  clear(): void
}

const DAY_MS = 24 * 3_600_000

/** Evaluates each monitor with each of its thresholds and windows, in one pass over the log. */
export async function tuneAll(
  trials: readonly Trial[],
  input: LogInput,
  options: TuneReplay,
  faults: FaultSink = { add() {}, clear() {} },
): Promise<{ tunings: Tuning[]; summary: ReplaySummary; leaders: readonly Monitor[] }> {
  const grids = trials.map((trial) => ({ trial, variants: variantsOf(trial.monitor, trial.thresholds, trial.windows) }))
  const teams = grids.flatMap(({ variants }) => teamsOf(variants))
  const leaders = teams.map(({ leader }) => leader)
  const followers = new Map(teams.map(({ leader, followers }) => [leader, followers]))
  // What an attempt has found does not count when the logs have to be sorted first.
  let attempt = begun(teams, faults)
  const { summary } = await replayLogs(
    input,
    leaders,
    {
      ...options,
      observer: {
        pass: (monitor, pass) => attempt.peaks.pass(monitor, pass),
        ended: () => {},
        end: (monitor, at) => attempt.peaks.end(monitor, at),
      },
      followersOf: (leader) => followers.get(leader) ?? [],
    },
    () => {
      faults.clear()
      attempt = begun(teams, faults)
      return attempt.visitor
    },
  )
  const { peaks, alerted } = attempt
  const { oldest, newest, events } = summary
  const days = Math.max(1, events === 0 ? 0 : (newest - oldest) / DAY_MS)
  const leaderOf = new Map(teams.flatMap((team) => [team.leader, ...team.followers].map((each) => [each, team.leader])))
  const tunings = grids.map(({ trial: { monitor, expected }, variants }): Tuning => {
    const cells = variants.map((variant) => cellOf(variant, days, expected, peaks, alerted, leaderOf))
    const ranges = expected && rangesOf(cells)
    return {
      monitor: monitor.slug,
      query: monitor.query,
      from: timeText(oldest, events),
      to: timeText(newest, events),
      days,
      cells,
      ...(ranges && { ranges }),
      ...(ranges?.length === 0 && { obstacles: obstaclesOf(cells) }),
    }
  })
  return { tunings, summary, leaders }
}

const timeText = (at: number, events: number): string | null => (events === 0 ? null : new Date(at).toISOString())

/** What one attempt to read the log finds. */
function begun(teams: readonly Team[], faults: FaultSink) {
  const peaks = new Peaks()
  const all = teams.flatMap(({ leader, followers }) => [leader, ...followers])
  const alerted = new Map(all.map((monitor) => [monitor, new Alerted(monitor)]))
  const visitor = {
    transition({ monitor, transition, group }: Transition) {
      if (transition === 'Triggered') alerted.get(monitor)?.add(group)
    },
    malformed: (place: string, reason: string) => faults.add(place, reason),
  }
  return { peaks, alerted, visitor }
}

function cellOf(
  { windowMs, threshold, monitor, refused }: Variant,
  days: number,
  expected: readonly GroupValues[] | undefined,
  peaks: Peaks,
  alerted: ReadonlyMap<Monitor, Alerted>,
  leaderOf: ReadonlyMap<Monitor, Monitor>,
): Cell {
  const place = { window: windowText(windowMs), threshold }
  const found = monitor && alerted.get(monitor)
  if (!found) return { ...place, refused: refused ?? '', alerts: 0, alertsPerDay: 0, groups: [], nearestMiss: null }
  const groups = [...found.groups.values()]
  const leader = leaderOf.get(monitor) ?? monitor
  return {
    ...place,
    alerts: found.alerts,
    alertsPerDay: found.alerts / days,
    groups,
    nearestMiss: peaks.nearestMiss(leader, monitor, (group) => found.covers(group)) ?? null,
    ...(expected && { missing: lacking(expected, groups), unexpected: lacking(groups, expected) }),
  }
}
