import { logOfEvent } from './app-event.ts'
import type { Transition } from './evaluate/evaluate.ts'
import {
  type ExplainOptions,
  type ExplainRuleOptions,
  type Explanation,
  explainFrom,
  explainRuleFrom,
  type Question,
  type RuleExplanation,
  sourceOfInput,
} from './explain/index.ts'
import type { Log } from './log.ts'
import { LogInput } from './logs/log-input.ts'
import { replayLogs } from './logs/replay-logs.ts'
import type { Monitor } from './monitor/monitor.ts'
import { EventError, parseEvent } from './replay/event-reader.ts'
import type { ReplayOptions } from './replay/replay-options.ts'
import { MAX_THREADS } from './replay/threads/line-threads.ts'
import { compileSearch } from './search/search.ts'
import type { Severity, SiemRule } from './siem/rule.ts'
import type { SignalChange } from './siem/signal.ts'
import {
  type FaultSink,
  readWindows,
  rising,
  type TunedAll,
  type TuneReplay,
  type Tuning,
  tuneAll,
  usualThresholds,
} from './tune/index.ts'

export { readMonitor, readRule } from './estate/index.ts'

/** A log as an application writes it: one JSON object, or a line of text. */
export type Event = Readonly<Record<string, unknown>> | string

/**
 * Searches logs as Datadog does.
 * @returns the events that match, unchanged and in their order
 * @throws SearchSyntaxError with the position and the reason of a fault in the query
 */
export function search<T extends Event>(query: string, events: Iterable<T>): T[] {
  const matches = compileSearch(query)
  return Array.from(events).filter((event) => matches(logOf(event)))
}

/** One change of state of one group. */
export interface Change {
  /** The slug of the monitor, or of the rule. */
  readonly monitor: string
  readonly transition: Transition['transition']
  /** The values of the facets that the monitor groups by; empty for a monitor without groups. */
  readonly group: Readonly<Record<string, string>>
  /** ISO 8601. */
  readonly at: string
  readonly value: number
}

/** One change of a signal of a Cloud SIEM rule. */
export interface SignalRow extends Omit<Change, 'transition'> {
  readonly transition: SignalChange['transition']
  readonly severity: Severity
}

export interface Replay {
  /** In the order of time. */
  readonly changes: readonly (Change | SignalRow)[]
  /** How many events were read. */
  readonly events: number
  /** What could not be read as an event, with its place: `line 7`. */
  readonly malformed: readonly { readonly place: string; readonly reason: string }[]
  /** With `follow`, how many events that a monitor counts came later than the lateness allows, and were left out. */
  readonly leftOut: number
}

export interface ReplaySettings extends ReplayOptions {
  /** Whether events are evaluated as they come, and what is late is left out. */
  readonly follow?: boolean
  /** The number of threads that read JSON lines, from 1, the default, to 64. The result is the same with any number. */
  readonly threads?: number
}

/**
 * Evaluates monitors and rules of Cloud SIEM over a recorded log in any order, at the events' own time.
 * @param log events, or a stream of bytes in any form that `alertproof replay` reads, packed or not
 * @throws RangeError for a number of threads that cannot be started
 */
export async function replay(
  detections: readonly (Monitor | SiemRule)[],
  log: Iterable<Event> | AsyncIterable<Buffer>,
  { follow = false, threads = 1, ...given }: ReplaySettings = {},
): Promise<Replay> {
  if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS)
    throw new RangeError(`threads is ${threads}: give a whole number from 1 to ${MAX_THREADS}.`)
  const monitors = detections.filter((each) => 'parsed' in each)
  const rules = [...detections.filter((each) => 'queries' in each), ...(given.rules ?? [])]
  const options = { ...given, rules }
  const input = LogInput.ofStream(Symbol.asyncIterator in log ? log : linesOf(log), { keep: !follow })
  const begin = () => {
    const changes: (Change | SignalRow)[] = []
    const malformed: { place: string; reason: string }[] = []
    return {
      changes,
      faults: malformed,
      transition: (transition: Transition) => void changes.push(changeOf(transition)),
      signal: (change: SignalChange) => void changes.push(changeOfSignal(change)),
      malformed: (place: string, reason: string) => void malformed.push({ place, reason }),
    }
  }
  try {
    const { summary, visitor } = await replayLogs(input, monitors, options, begin, { follow, threads })
    const { events, dropped } = summary
    return { changes: visitor.changes, events, malformed: visitor.faults, leftOut: dropped }
  } finally {
    input.close()
  }
}

export interface TuneOptions extends TuneReplay {
  /** The thresholds that are tried; by default about 16 whole numbers from half the present one to twice it. */
  readonly thresholds?: readonly number[]
  /** The windows that are tried, as in a query: `['5m', '1h']`; by default the present one. */
  readonly windows?: readonly string[]
  /** The groups for which the monitor must alert, and no others; `[{}]` for a monitor without groups. */
  readonly expected?: readonly Readonly<Record<string, string>>[]
}

/** What `tune` finds, and what it could not read. */
export interface Tuned extends Tuning, Pick<Replay, 'events' | 'malformed'> {}

/**
 * Evaluates a monitor over a recorded log with other thresholds and windows, in one pass.
 * @param log events, or a stream of bytes in any form that `alertproof replay` reads, packed or not
 * @throws TrialError for a window that no query can have
 */
export async function tune(
  monitor: Monitor,
  log: Iterable<Event> | AsyncIterable<Buffer>,
  { thresholds, windows, expected, ...options }: TuneOptions = {},
): Promise<Tuned> {
  const trial = {
    monitor,
    thresholds: rising(thresholds ?? usualThresholds(monitor)),
    windows: windows ? readWindows(windows.join(',')) : [monitor.parsed.windowMs],
    expected,
  }
  const [tuned] = await tunedOf(log, (input, faults) => tuneAll([trial], input, options, faults))
  if (!tuned) throw new RangeError('one monitor has one tuning')
  return tuned
}

/**
 * Evaluates a rule of Cloud SIEM over a recorded log with other numbers in its conditions, one at a time, and other windows, in one pass.
 * @returns for each comparison of a query with a number, in the order of the cases; empty if no case has one
 * @throws TrialError for a window that is none. One that a rule cannot have is refused in its cells
 */
export function tuneRule(
  rule: SiemRule,
  log: Iterable<Event> | AsyncIterable<Buffer>,
  { thresholds, windows, expected, ...options }: TuneOptions = {},
): Promise<Tuned[]> {
  const trial = {
    ...{ rule, expected, thresholds: thresholds && rising(thresholds) },
    windows: windows ? readWindows(windows.join(',')) : [rule.evaluationWindowMs],
  }
  return tunedOf(log, (input, faults) => tuneAll([], input, options, faults, [trial]))
}

async function tunedOf(
  log: Iterable<Event> | AsyncIterable<Buffer>,
  tuneIn: (input: LogInput, faults: FaultSink) => Promise<TunedAll>,
): Promise<Tuned[]> {
  const malformed: { place: string; reason: string }[] = []
  const faults = {
    add: (place: string, reason: string) => void malformed.push({ place, reason }),
    clear: () => void malformed.splice(0),
  }
  const input = LogInput.ofStream(Symbol.asyncIterator in log ? log : linesOf(log), { keep: true })
  try {
    const { tunings, summary } = await tuneIn(input, faults)
    return tunings.map((tuning) => ({ ...tuning, events: summary.events, malformed }))
  } finally {
    input.close()
  }
}

/**
 * Says why a monitor or a rule of Cloud SIEM did or did not fire: for an event, a group, an instant, or with an empty question for the
 * group that fired first or came nearest.
 * @param log events, or a stream of bytes in any form that `alertproof explain` reads, packed or not. An event of a list has the
 * line of its place in it
 * @param options those of the cadence and of group limits are for monitors
 * @throws QuestionError if the log has no event, or not the one that is asked about
 */
export function explain(
  monitor: Monitor,
  log: Iterable<Event> | AsyncIterable<Buffer>,
  question?: Question,
  options?: ExplainOptions,
): Promise<Explanation>
export function explain(
  rule: SiemRule,
  log: Iterable<Event> | AsyncIterable<Buffer>,
  question?: Question,
  options?: ExplainRuleOptions,
): Promise<RuleExplanation>
export async function explain(
  detection: Monitor | SiemRule,
  log: Iterable<Event> | AsyncIterable<Buffer>,
  question: Question = {},
  options: ExplainOptions = {},
): Promise<Explanation | RuleExplanation> {
  const input = LogInput.ofStream(Symbol.asyncIterator in log ? log : linesOf(log), { keep: true })
  const source = sourceOfInput(input, options.follow ?? false)
  try {
    if ('queries' in detection) return (await explainRuleFrom(source, detection, question, options)).explanation
    return (await explainFrom(source, detection, question, options)).explanation
  } finally {
    input.close()
  }
}

/** A change of state as `alertproof replay --json` prints it. */
export const changeOf = ({ monitor, transition, group, at, value }: Transition): Change => ({
  monitor: monitor.slug,
  transition,
  group,
  at: new Date(at).toISOString(),
  value,
})

/** A change of a signal as `alertproof replay --json` prints it: a rule stands in place of a monitor. */
export const changeOfSignal = ({ rule, transition, severity, group, at, value }: SignalChange): SignalRow => ({
  monitor: rule.slug,
  transition,
  group,
  at: new Date(at).toISOString(),
  value,
  severity,
})

/** A log of an event. A text that is not a JSON object is a message. */
export function logOf(event: Event): Log {
  if (typeof event !== 'string') return logOfEvent(event)
  try {
    return logOfEvent(parseEvent(event))
  } catch (error) {
    if (!(error instanceof EventError)) throw error
    return { message: event.trimEnd(), attributes: {} }
  }
}

async function* linesOf(events: Iterable<Event>): AsyncGenerator<Buffer> {
  for (const event of events) yield Buffer.from(`${typeof event === 'string' ? event : JSON.stringify(event)}\n`)
}
