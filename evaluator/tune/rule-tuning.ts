import { type GroupValues, lacking } from '../estate/index.ts'
import { groupOfKey } from '../evaluate/reading.ts'
import { compares } from '../siem/condition.ts'
import { SEVERITIES, type SiemRule } from '../siem/rule.ts'
import type { RulePass } from '../siem/rule-observer.ts'
import type { SignalChange } from '../siem/signal.ts'
import { decisiveValue, type Knob, knobsOf, knobText, type RuleVariant, ruleVariantsOf } from './rule-knobs.ts'
import { windowText } from './texts.ts'
import type { Cell, Reached } from './tuning.ts'

/** What one rule of Cloud SIEM is tried with. Each number of its conditions is tuned by itself, and all else stays. */
export interface RuleTrial {
  readonly rule: SiemRule
  /** Undefined for the usual ones of each number. */
  readonly thresholds: readonly number[] | undefined
  /** Milliseconds. */
  readonly windows: readonly number[]
  /** The groups for which it must open a signal, and no others; undefined if nothing is expected of it. */
  readonly expected?: readonly GroupValues[] | undefined
}

/** One number of a rule, and the rules that have others in its place. */
export interface RuleGrid {
  readonly trial: RuleTrial
  readonly knob: Knob
  readonly title: string
  readonly variants: readonly RuleVariant[]
}

/** @param usual the thresholds that are tried around a number */
export const ruleGridsOf = (trial: RuleTrial, usual: (threshold: number) => readonly number[]): RuleGrid[] =>
  knobsOf(trial.rule).map((knob) => ({
    ...{ trial, knob, title: knobText(trial.rule, knob) },
    variants: ruleVariantsOf(trial.rule, knob, trial.thresholds ?? usual(knob.number), trial.windows),
  }))

/** What one attempt to read the log finds of the rules. */
export class RuleFindings {
  /** By variant, the groups whose signals came to the severity of the case that is tuned, or above. */
  readonly #alerted = new Map<SiemRule, Map<string, GroupValues>>()
  readonly #signals = new Map<SiemRule, Set<string>>()
  /** By the first variant of a number and window, which counts as all of them do. */
  readonly #peaks = new Map<SiemRule, Map<string, { value: number; at: number }>>()
  readonly #grids = new Map<SiemRule, RuleGrid>()

  constructor(grids: readonly RuleGrid[]) {
    for (const grid of grids) {
      for (const { rule } of grid.variants) if (rule) this.#grids.set(rule, grid)
      for (const leader of leadersOf(grid).values()) this.#peaks.set(leader, new Map())
    }
  }

  signal({ rule, transition, severity, group, signalId }: SignalChange): void {
    const grid = this.#grids.get(rule)
    const wanted = grid?.trial.rule.cases[grid.knob.place]?.status
    if (transition === 'Closed' || !wanted || SEVERITIES.indexOf(severity) < SEVERITIES.indexOf(wanted)) return
    const groups = this.#alerted.get(rule) ?? new Map<string, GroupValues>()
    this.#alerted.set(rule, groups)
    const signals = this.#signals.get(rule) ?? new Set<string>()
    this.#signals.set(rule, signals.add(signalId))
    const key = textOf(group)
    if (!groups.has(key)) groups.set(key, group)
  }

  pass(rule: SiemRule, { key, at, values }: RulePass): void {
    const peaks = this.#peaks.get(rule)
    const grid = this.#grids.get(rule)
    if (!peaks || !grid) return
    const value = decisiveValue(rule, grid.knob, (alias) => values[aliasPlace(rule, alias)] ?? 0)
    if (value === undefined) return
    const known = peaks.get(key)
    const direction = grid.knob.operator.startsWith('>') ? 1 : -1
    if (!known) peaks.set(key, { value, at })
    else if ((value - known.value) * direction > 0) Object.assign(known, { value, at })
  }

  cellsOf(grid: RuleGrid, days: number): Cell[] {
    const leaders = leadersOf(grid)
    return grid.variants.map(({ windowMs, threshold, rule, refused }): Cell => {
      const place = { window: windowText(windowMs), threshold }
      if (!rule) return { ...place, refused: refused ?? '', alerts: 0, alertsPerDay: 0, groups: [], nearestMiss: null }
      const found = this.#alerted.get(rule) ?? new Map<string, GroupValues>()
      const groups = [...found.values()]
      const alerts = this.#signals.get(rule)?.size ?? 0
      const { expected } = grid.trial
      return {
        ...place,
        ...{ alerts, alertsPerDay: alerts / days, groups },
        nearestMiss: this.#nearestMiss(leaders.get(windowMs) ?? rule, grid.knob, threshold, found) ?? null,
        ...(expected && { missing: lacking(expected, groups), unexpected: lacking(groups, expected) }),
      }
    })
  }

  #nearestMiss(
    leader: SiemRule,
    { operator }: Knob,
    threshold: number,
    alerted: ReadonlyMap<string, GroupValues>,
  ): Reached | undefined {
    const direction = operator.startsWith('>') ? 1 : -1
    let best: { key: string; value: number; at: number } | undefined
    for (const [key, { value, at }] of this.#peaks.get(leader) ?? []) {
      const order = best ? (value - best.value) * direction || best.at - at || (key < best.key ? 1 : -1) : 1
      if (order < 0 || compares(value, operator, threshold) || alerted.has(textOf(signalGroup(leader, key)))) continue
      best = { key, value, at }
    }
    return best && { group: groupOf(leader, best.key), value: best.value, at: new Date(best.at).toISOString() }
  }
}

/** By window, the first variant that is evaluated. */
function leadersOf({ variants }: RuleGrid): Map<number, SiemRule> {
  const leaders = new Map<number, SiemRule>()
  for (const { windowMs, rule } of variants) if (rule && !leaders.has(windowMs)) leaders.set(windowMs, rule)
  return leaders
}

const groupOf = (rule: SiemRule, key: string): GroupValues => groupOfKey(rule.queries[0]?.by ?? [], key)

/** The values of a group that make a signal of its own. */
function signalGroup(rule: SiemRule, key: string): GroupValues {
  const group = groupOf(rule, key)
  return Object.fromEntries(
    rule.signalBy.map((i) => {
      const name = rule.groupNames[i] ?? ''
      return [name, group[name] ?? '']
    }),
  )
}

const aliasPlace = ({ queries }: SiemRule, alias: string): number => queries.findIndex((query) => query.alias === alias)

const textOf = (group: GroupValues): string => JSON.stringify(Object.entries(group))
