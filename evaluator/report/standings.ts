import type { Observer, Pass } from '../evaluate/observer.ts'
import { SHARED_KEY } from '../evaluate/reading.ts'
import { type Rule, ruleOf } from '../evaluate/state.ts'
import { isBeyond, shortfall } from '../explain/threshold.ts'
import { isHeldBeyond, isTrigger } from '../explain/verdict.ts'
import type { Monitor } from '../monitor/monitor.ts'

/** A value of a group, and the time of its evaluation in epoch ms. */
export interface Standing {
  readonly key: string
  readonly value: number
  readonly at: number
}

/** How the groups of one monitor stand to its threshold over a whole log. */
export interface MonitorStandings {
  /** The groups that fired, in the order of their first alert, with the value of that alert. */
  readonly fired: readonly Standing[]
  /** Of the groups that never fired, the value that came nearest to the threshold. */
  readonly nearest: Standing | undefined
  /** Whether that value was beyond the threshold, or at least half of it. */
  readonly isNear: boolean
}

interface Kept {
  readonly fired: Map<string, Standing>
  readonly others: Map<string, Standing>
  lastCounting: number
}

/** Sees which groups fire, and how near the others come. It keeps one value for each group. */
export class Standings implements Observer {
  readonly #kept = new Map<Monitor, Kept>()
  readonly #rules = new Map<Monitor, Rule>()

  begin(): void {
    this.#kept.clear()
  }

  end(monitor: Monitor, lastCounting: number): void {
    this.#of(monitor).lastCounting = lastCounting
  }

  pass(monitor: Monitor, pass: Pass): void {
    const { key, value, at } = pass
    if (key === SHARED_KEY) return
    const { fired, others, lastCounting } = this.#of(monitor)
    if (fired.has(key)) return
    if (isTrigger(pass)) {
      fired.set(key, { key, value, at })
      others.delete(key)
      return
    }
    // What only the end of the log causes is no value of the service.
    if (at > lastCounting) return
    const rule = this.#ruleOf(monitor)
    const standing = standingOf(rule, pass)
    if (!standing) return
    const known = others.get(key)
    if (!known || shortfall(rule, standing.value) < shortfall(rule, known.value)) others.set(key, standing)
  }

  ended(): void {}

  of(monitor: Monitor): MonitorStandings {
    const rule = this.#ruleOf(monitor)
    const { fired, others } = this.#of(monitor)
    let nearest: Standing | undefined
    for (const each of others.values()) {
      const order = nearest ? shortfall(rule, each.value) - shortfall(rule, nearest.value) : -1
      if (order < 0 || (order === 0 && nearest && each.at < nearest.at)) nearest = each
    }
    return { fired: [...fired.values()], nearest, isNear: nearest !== undefined && isNear(rule, nearest.value) }
  }

  #of(monitor: Monitor): Kept {
    const known = this.#kept.get(monitor)
    if (known) return known
    const kept: Kept = { fired: new Map(), others: new Map(), lastCounting: Number.POSITIVE_INFINITY }
    this.#kept.set(monitor, kept)
    return kept
  }

  #ruleOf(monitor: Monitor): Rule {
    const rule = this.#rules.get(monitor) ?? ruleOf(monitor)
    this.#rules.set(monitor, rule)
    return rule
  }
}

/** The value that an evaluation judged, or held back. Undefined if it had none. */
function standingOf(rule: Rule, pass: Pass): Standing | undefined {
  const { key, at, hold } = pass
  const value = hold?.kind === 'group-limit' ? hold.value : pass.value
  if (Number.isNaN(value)) return undefined
  // A value that is held back counts only beyond the threshold: there, the hold is why the group did not fire.
  if (hold && hold.kind !== 'recording-end' && !isHeldBeyond(rule, pass)) return undefined
  return { key, value, at }
}

function isNear(rule: Rule, value: number): boolean {
  const { operator, critical } = rule
  if (isBeyond(rule, value)) return true
  if (operator.startsWith('>')) return critical <= 0 || value >= critical / 2
  return operator.startsWith('<') && (critical <= 0 || value <= critical * 2)
}
