import { cadenceOf } from '../evaluate/cadence.ts'
import { instantsOf } from '../evaluate/instants.ts'
import type { Transition } from '../evaluate/notices.ts'
import type { Observer, Pass } from '../evaluate/observer.ts'
import { groupOfKey } from '../evaluate/reading.ts'
import { ruleOf } from '../evaluate/state.ts'
import { type GroupCourse, groupFacts, periodAround } from '../explain/group-facts.ts'
import type { Drawn } from '../explain/index.ts'
import { monitorFacts } from '../explain/monitor-facts.ts'
import { Recorder, ValueRecorder } from '../explain/recorder.ts'
import { verdictOn } from '../explain/verdict.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { ReplayOptions } from '../replay/index.ts'

/** What became of one group: the facts of `explain`, save those of single events. */
export type Story = Drawn & { readonly group: NonNullable<Drawn['group']> }

/** Evaluates the whole log with these monitors. @returns every transition */
export type Evaluate = (
  monitors: readonly Monitor[],
  options: Pick<ReplayOptions, 'observer' | 'live'>,
) => Promise<readonly Transition[]>

/**
 * The stories of some groups, by monitor and in the order of their keys. The log is evaluated once more as it was asked, and once
 * at each event for the values in between.
 * @param chosen by monitor, the keys of its groups
 * @param begin of the log, epoch ms
 * @param options as the log was evaluated before
 */
export async function storiesOf(
  chosen: ReadonlyMap<Monitor, readonly string[]>,
  begin: number,
  options: ReplayOptions,
  evaluate: Evaluate,
): Promise<ReadonlyMap<Monitor, readonly Story[]>> {
  const monitors = [...chosen.keys()]
  if (monitors.length === 0) return new Map()
  const recorders = new Map([...chosen].map(([monitor, keys]) => [monitor, new Recorder(keys)]))
  const transitions = await evaluate(monitors, { observer: toEach(recorders) })
  const live = new Map([...chosen].map(([monitor, keys]) => [monitor, new Values(keys)]))
  if (!options.live) await evaluate(monitors, { live: true, observer: toEach(live) })
  return new Map(
    monitors.map((monitor) => {
      const recorder = recorders.get(monitor) ?? new Recorder([])
      const values = live.get(monitor) ?? new Values([])
      const own = transitions.filter((each) => each.monitor === monitor)
      const stories = (chosen.get(monitor) ?? []).map((key): Story => {
        const passes = recorder.passes.get(key) ?? []
        if (options.live) for (const pass of passes) values.pass(monitor, pass)
        const rule = ruleOf(monitor)
        const course: GroupCourse = {
          ...{ monitor, key, group: groupOfKey(monitor.parsed.by, key), rule, passes },
          instants: instantsOf(cadenceOf(monitor, options), rule.evaluationDelayMs),
          live: values.of(key),
          ...{ transitions: own, endings: recorder.endings.get(key) ?? [] },
        }
        return storyOf(course, begin, options)
      })
      return [monitor, stories]
    }),
  )
}

function storyOf(course: GroupCourse, begin: number, options: ReplayOptions): Story {
  const { about, verdict = { fired: false, kind: 'nothing-counted', with_group: null, suggestion: null } } =
    verdictOn(course)
  const period = periodAround(course, about, about, begin)
  return {
    monitor: monitorFacts(course.monitor, course.rule, options),
    asked: { event: null, group: course.group, at: null },
    verdict,
    event: null,
    group: { ...groupFacts(course, period, about, undefined), events: null, beyond_limits: null },
  }
}

/** The values of some groups at each event. */
class Values implements Observer {
  readonly #recorders: ReadonlyMap<string, ValueRecorder>

  constructor(keys: readonly string[]) {
    this.#recorders = new Map(keys.map((key) => [key, new ValueRecorder(key)]))
  }

  begin(): void {
    for (const recorder of this.#recorders.values()) recorder.begin()
  }

  of(key: string): ValueRecorder {
    return this.#recorders.get(key) ?? new ValueRecorder(key)
  }

  pass(monitor: Monitor, pass: Pass): void {
    this.#recorders.get(pass.key)?.pass(monitor, pass)
  }

  ended(): void {}
}

/** Gives what it sees to the observer of each monitor. */
const toEach = (observers: ReadonlyMap<Monitor, Observer>): Observer => ({
  begin() {
    for (const observer of observers.values()) observer.begin?.()
  },
  pass: (monitor, pass) => observers.get(monitor)?.pass(monitor, pass),
  ended: (monitor, key, at, cause) => observers.get(monitor)?.ended(monitor, key, at, cause),
})
