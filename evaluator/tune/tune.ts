import { type GroupValues, lacking } from '../estate/index.ts'
import type { Transition } from '../evaluate/notices.ts'
import type { LogInput } from '../logs/index.ts'
import { replayLogs } from '../logs/index.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { ReplayOptions, ReplaySummary } from '../replay/index.ts'
import type { SiemRule } from '../siem/rule.ts'
import type { SignalChange } from '../siem/signal.ts'
import { type Team, teamsOf, type Variant, variantsOf } from './grid.ts'
import { Alerted, Peaks } from './peaks.ts'
import { obstaclesOf, rangesOf } from './ranges.ts'
import { knobOperator } from './rule-knobs.ts'
import { RuleFindings, type RuleGrid, type RuleTrial, ruleGridsOf } from './rule-tuning.ts'
import { usualAround, windowText } from './texts.ts'
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
export type TuneReplay = Omit<ReplayOptions, 'rules' | 'observer' | 'ruleObserver' | 'followersOf'>

/** Takes the parts of a log that are no event. */
export interface FaultSink {
  add(place: string, reason: string): void
  /** Forgets them: the log is read again. */
  clear(): void
}

const DAY_MS = 24 * 3_600_000

/** What is tuned, found in one pass over the log. */
export interface TunedAll {
  /** Of the monitors, then of each number of each rule. */
  readonly tunings: Tuning[]
  readonly summary: ReplaySummary
  /** Monitors and rules whose terms the summary may say to be silent. */
  readonly leaders: readonly Monitor[]
  readonly rules: readonly SiemRule[]
}

/** Evaluates each monitor and rule with each of its thresholds and windows, in one pass over the log. */
export async function tuneAll(
  trials: readonly Trial[],
  input: LogInput,
  options: TuneReplay,
  faults: FaultSink = { add() {}, clear() {} },
  ruleTrials: readonly RuleTrial[] = [],
): Promise<TunedAll> {
  const grids = trials.map((trial) => ({ trial, variants: variantsOf(trial.monitor, trial.thresholds, trial.windows) }))
  const ruleGrids = ruleTrials.flatMap((trial) => ruleGridsOf(trial, usualAround))
  const rules = ruleGrids.flatMap(({ variants }) => variants.flatMap(({ rule }) => rule ?? []))
  const teams = grids.flatMap(({ variants }) => teamsOf(variants))
  const leaders = teams.map(({ leader }) => leader)
  const followers = new Map(teams.map(({ leader, followers }) => [leader, followers]))
  // What an attempt has found does not count when the logs have to be sorted first.
  let attempt = begun(teams, ruleGrids, faults)
  const { summary } = await replayLogs(
    input,
    leaders,
    {
      ...options,
      rules,
      observer: {
        pass: (monitor, pass) => attempt.peaks.pass(monitor, pass),
        ended: () => {},
        end: (monitor, at) => attempt.peaks.end(monitor, at),
      },
      ruleObserver: { pass: (rule, pass) => attempt.ofRules.pass(rule, pass) },
      followersOf: (leader) => followers.get(leader) ?? [],
    },
    () => {
      faults.clear()
      attempt = begun(teams, ruleGrids, faults)
      return attempt.visitor
    },
  )
  const { peaks, alerted, ofRules } = attempt
  const { oldest, newest, events } = summary
  const days = Math.max(1, events === 0 ? 0 : (newest - oldest) / DAY_MS)
  const leaderOf = new Map(teams.flatMap((team) => [team.leader, ...team.followers].map((each) => [each, team.leader])))
  const period = { from: timeText(oldest, events), to: timeText(newest, events), days }
  const ofMonitors = grids.map(({ trial: { monitor, expected }, variants }): Tuning => {
    const cells = variants.map((variant) => cellOf(variant, days, expected, peaks, alerted, leaderOf))
    const { slug, query, parsed } = monitor
    return {
      monitor: slug,
      kind: 'monitor',
      query,
      operator: parsed.operator,
      ...period,
      cells,
      ...judged(cells, expected),
    }
  })
  const tunings = ruleGrids.map((grid): Tuning => {
    const { title, knob, trial } = grid
    const cells = ofRules.cellsOf(grid, days)
    const name = { monitor: trial.rule.slug, kind: 'rule' as const, query: title, operator: knobOperator(knob) }
    return { ...name, ...period, cells, ...judged(cells, trial.expected) }
  })
  return { tunings: [...ofMonitors, ...tunings], summary, leaders, rules }
}

/** Where all that is expected alerts, and nothing else, or what stands in the way. */
function judged(cells: readonly Cell[], expected: readonly GroupValues[] | undefined) {
  if (!expected) return {}
  const ranges = rangesOf(cells)
  return { ranges, ...(ranges.length === 0 && { obstacles: obstaclesOf(cells) }) }
}

const timeText = (at: number, events: number): string | null => (events === 0 ? null : new Date(at).toISOString())

/** What one attempt to read the log finds. */
function begun(teams: readonly Team[], ruleGrids: readonly RuleGrid[], faults: FaultSink) {
  const peaks = new Peaks()
  const ofRules = new RuleFindings(ruleGrids)
  const all = teams.flatMap(({ leader, followers }) => [leader, ...followers])
  const alerted = new Map(all.map((monitor) => [monitor, new Alerted(monitor)]))
  const visitor = {
    transition({ monitor, transition, group }: Transition) {
      if (transition === 'Triggered') alerted.get(monitor)?.add(group)
    },
    signal: (change: SignalChange) => ofRules.signal(change),
    malformed: (place: string, reason: string) => faults.add(place, reason),
  }
  return { peaks, alerted, ofRules, visitor }
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
