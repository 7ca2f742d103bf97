import { cadenceOf } from '../evaluate/cadence.ts'
import { type Instants, instantsOf } from '../evaluate/instants.ts'
import type { Observer, Pass } from '../evaluate/observer.ts'
import { groupOfKey } from '../evaluate/reading.ts'
import { type Rule, ruleOf } from '../evaluate/state.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { ReplayOptions } from '../replay/index.ts'
import type { LatenessOptions } from './finding-facts.ts'
import type { GroupCourse } from './group-facts.ts'
import { Recorder, ValueRecorder } from './recorder.ts'
import type { EventSource, Run } from './source.ts'

export interface ExplainOptions
  extends LatenessOptions,
    Pick<ReplayOptions, 'cadenceSeconds' | 'live' | 'groupLimits' | 'silenceAfterEnd'> {}

/** Evaluates a log as it is asked, and in the other ways that tell why. */
export class Evaluations {
  readonly rule: Rule
  readonly instants: Instants
  /** The last evaluation as it is asked. */
  last: Run | undefined
  readonly #source: EventSource
  readonly #monitor: Monitor
  readonly #options: ExplainOptions

  constructor(source: EventSource, monitor: Monitor, options: ExplainOptions) {
    this.#source = source
    this.#monitor = monitor
    this.#options = options
    this.rule = ruleOf(monitor)
    this.instants = instantsOf(cadenceOf(monitor, options), this.rule.evaluationDelayMs)
  }

  /** Evaluates the log as it is asked. */
  async run(observer?: Observer): Promise<Run> {
    const { groupLimits = false } = this.#options
    this.last = await this.#replay({ ...this.#cadence, groupLimits, ...(observer && { observer }) })
    return this.last
  }

  /** The evaluations of one group, and the values that evaluations at each event find. */
  async course(key: string): Promise<GroupCourse> {
    const recorder = new Recorder([key])
    const { transitions } = await this.run(recorder)
    const passes = recorder.passes.get(key) ?? []
    const live = new ValueRecorder(key)
    if (this.instants.atLogs) for (const pass of passes) live.pass(this.#monitor, pass)
    else await this.#replay({ live: true, observer: live })
    const group = groupOfKey(this.#monitor.parsed.by, key)
    return {
      ...{ monitor: this.#monitor, key, group, rule: this.rule, instants: this.instants },
      ...{ passes, live, transitions, endings: recorder.endings.get(key) ?? [] },
    }
  }

  /** Whether Datadog's group limits leave a group out; null if they are not exceeded. */
  async isBeyondLimits({ key, passes }: GroupCourse): Promise<boolean | null> {
    if (!this.last?.limits) return null
    const isLimited = (pass: Pass) => pass.hold?.kind === 'group-limit'
    if (this.#options.groupLimits) return passes.some(isLimited)
    const limited = new Recorder([key])
    await this.#replay({ ...this.#cadence, groupLimits: true, observer: limited })
    return limited.passes.get(key)?.some(isLimited) ?? false
  }

  get #cadence(): ReplayOptions {
    const { cadenceSeconds, live = false } = this.#options
    return live || cadenceSeconds === undefined ? { live } : { cadenceSeconds }
  }

  #replay(evaluation: ReplayOptions): Promise<Run> {
    const { latenessSeconds, silenceAfterEnd = false } = this.#options
    const lateness = latenessSeconds === undefined ? {} : { latenessSeconds }
    return this.#source.replay(this.#monitor, { ...lateness, silenceAfterEnd, ...evaluation })
  }
}
