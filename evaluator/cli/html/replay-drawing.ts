import type { Observer } from '../../evaluate/observer.ts'
import { sourceOfInput } from '../../explain/index.ts'
import { explainRuleFrom, type RuleExplanation } from '../../explain/rule/index.ts'
import type { Monitor, Transition } from '../../index.ts'
import { type LogInput, replayLogs } from '../../logs/index.ts'
import type { ReplayOptions, ReplaySummary } from '../../replay/index.ts'
import { type MonitorStandings, Standings, type Story, storiesOf } from '../../report/index.ts'
import type { SiemRule } from '../../siem/index.ts'
import { ChangeList } from './changes.ts'

/** More charts of one monitor say nothing more. */
const MOST_FIRED = 3

/** Collects what a report shows while a log is replayed, and then draws it from the same log. */
export class ReplayDrawing {
  changes = new ChangeList()
  readonly #standings = new Standings()
  readonly observer: Observer = this.#standings
  readonly #monitors: readonly Monitor[]
  readonly #options: ReplayOptions
  readonly #threads: number

  constructor(monitors: readonly Monitor[], options: ReplayOptions, threads: number) {
    this.#monitors = monitors
    this.#options = options
    this.#threads = threads
  }

  readonly standings = (monitor: Monitor): MonitorStandings => this.#standings.of(monitor)

  /** Forgets the changes: the log is read again. */
  clear(): void {
    this.changes = new ChangeList()
  }

  /** Reads the log again. */
  stories(input: LogInput, { oldest }: ReplaySummary): Promise<ReadonlyMap<Monitor, readonly Story[]>> {
    const chosen = new Map<Monitor, readonly string[]>()
    for (const monitor of this.#monitors) {
      const { fired, nearest, isNear } = this.standings(monitor)
      const keys = [...fired.slice(0, MOST_FIRED), ...(nearest && isNear ? [nearest] : [])].map(({ key }) => key)
      if (keys.length > 0) chosen.set(monitor, keys)
    }
    const { cadenceSeconds: _, live: __, rules: ___, ...rest } = this.#options
    return storiesOf(chosen, oldest, this.#options, async (monitors, more) => {
      const evaluation = more.live ? {} : this.#evaluation()
      const begin = () => {
        const transitions: Transition[] = []
        return { transitions, transition: (each: Transition) => void transitions.push(each), malformed: () => {} }
      }
      const options = { ...rest, ...evaluation, ...more }
      const { visitor } = await replayLogs(input, monitors, options, begin, { threads: this.#threads })
      return visitor.transitions
    })
  }

  /** Reads the log twice more for each of the first groups that a rule opened a signal for. */
  async ruleStories(input: LogInput): Promise<ReadonlyMap<SiemRule, readonly RuleExplanation[]>> {
    const { latenessSeconds, silenceAfterEnd = false, rules = [] } = this.#options
    const options = { silenceAfterEnd, ...(latenessSeconds !== undefined && { latenessSeconds }) }
    const stories = new Map<SiemRule, RuleExplanation[]>()
    for (const rule of rules) {
      const opened = this.changes.of(rule).first.filter(({ transition }) => transition === 'Triggered')
      const groups = new Map(opened.map(({ group }) => [JSON.stringify(group), group]))
      const told: RuleExplanation[] = []
      for (const group of [...groups.values()].slice(0, MOST_FIRED)) {
        told.push((await explainRuleFrom(sourceOfInput(input, false), rule, { group }, options)).explanation)
      }
      if (told.length > 0) stories.set(rule, told)
    }
    return stories
  }

  #evaluation(): Pick<ReplayOptions, 'cadenceSeconds' | 'live'> {
    const { live = false, cadenceSeconds } = this.#options
    return live || cadenceSeconds === undefined ? { live } : { cadenceSeconds }
  }
}
