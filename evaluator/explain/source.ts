import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Transition } from '../evaluate/notices.ts'
import type { Observer } from '../evaluate/observer.ts'
import type { IndexedLog } from '../log.ts'
import { type LogInput, type LogPlace, replayLogs } from '../logs/index.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { Replayer, type ReplayOptions } from '../replay/index.ts'
import type { SiemRule } from '../siem/rule.ts'
import type { RuleObserver } from '../siem/rule-observer.ts'
import type { SignalChange } from '../siem/signal.ts'

/** What one evaluation of the log found. */
export interface Run {
  readonly transitions: readonly Transition[]
  /** How many events came too late. */
  readonly late: number
  readonly limits: { readonly since: number; readonly beyond: number } | undefined
  /** Terms and facets that no event has. */
  readonly silent: readonly string[]
}

/** What one evaluation of the log by a rule found. */
export interface RuleRun extends Pick<Run, 'late' | 'silent'> {
  readonly changes: readonly SignalChange[]
}

/** The events of an explanation, which are read several times. */
export interface EventSource {
  /** The name of the only file; undefined if there are several, or none. */
  readonly name: string | undefined
  /** @param malformed receives each part that is not an event, with its place: `line 7`, or of several files `a.jsonl: line 7` */
  visit(
    take: (log: IndexedLog, place: LogPlace) => void,
    malformed: (place: string, reason: string) => void,
  ): Promise<{
    readonly epochs: readonly { readonly unit: string; readonly key: string }[]
  }>
  replay(monitor: Monitor, options: ReplayOptions): Promise<Run>
  replayRule(rule: SiemRule, options: ReplayOptions): Promise<RuleRun>
}

/** The events of files and streams. @param follow whether nothing is sorted, and what is too late is left out */
export function sourceOfInput(input: LogInput, follow: boolean, name?: string): EventSource {
  return {
    name,
    async visit(take, malformed) {
      const epochs = new Map<string, string>()
      await input.visit(take, malformed, (unit, key) => epochs.set(unit, key))
      return { epochs: [...epochs].map(([unit, key]) => ({ unit, key })) }
    },
    async replay(monitor, options) {
      const begin = () => {
        const transitions: Transition[] = []
        return { transitions, transition: (each: Transition) => void transitions.push(each), malformed: () => {} }
      }
      const { summary, visitor } = await replayLogs(input, [monitor], options, begin, { follow })
      const [limits] = summary.exceeded
      const silent = summary.silent.map(({ text }) => text)
      return { transitions: visitor.transitions, late: summary.dropped, limits, silent }
    },
    async replayRule(rule, options) {
      const begin = () => {
        const changes: SignalChange[] = []
        const signal = (each: SignalChange) => void changes.push(each)
        return { changes, signal, transition: () => {}, malformed: () => {} }
      }
      const { summary, visitor } = await replayLogs(input, [], { ...options, rules: [rule] }, begin, { follow })
      return { changes: visitor.changes, late: summary.dropped, silent: summary.silent.map(({ text }) => text) }
    },
  }
}

/** After this many logs other work of the process gets a turn. */
const LOGS_AT_ONCE = 1_000

/** Visits logs in memory without keeping the process busy for long. */
async function eachLog(logs: readonly IndexedLog[], take: (log: IndexedLog, index: number) => void): Promise<void> {
  for (const [i, log] of logs.entries()) {
    if (i % LOGS_AT_ONCE === LOGS_AT_ONCE - 1) await nextTurn()
    take(log, i)
  }
}

/**
 * Logs in memory, in order of time.
 * @param until epoch ms: later evaluations have not happened yet. By default time runs on until every group has settled.
 */
export function sourceOfLogs(logs: readonly IndexedLog[], until = Number.POSITIVE_INFINITY): EventSource {
  const isPast = ({ at }: { readonly at: number }) => at <= until
  return {
    name: undefined,
    async visit(take) {
      await eachLog(logs, (log, i) => take(log, { file: undefined, place: `event ${i + 1}` }))
      return { epochs: [] }
    },
    async replay(monitor, { observer, ...options }) {
      const transitions: Transition[] = []
      const seen = observer && { observer: observerUntil(observer, isPast) }
      const replayer = new Replayer([monitor], { ...options, ...seen }, (each) => transitions.push(each))
      await eachLog(logs, (log) => replayer.push(log, log.timestamp))
      replayer.finish()
      return {
        transitions: transitions.filter(isPast),
        late: replayer.dropped,
        limits: replayer.exceededLimits[0],
        silent: [],
      }
    },
    async replayRule(rule, { ruleObserver, ...options }) {
      const changes: SignalChange[] = []
      const keep = (each: SignalChange) => void changes.push(each)
      const seen = ruleObserver && { ruleObserver: ruleObserverUntil(ruleObserver, isPast) }
      const replayer = new Replayer([], { ...options, ...seen, rules: [rule] }, () => {}, keep)
      await eachLog(logs, (log) => replayer.push(log, log.timestamp))
      replayer.finish()
      return { changes: changes.filter(isPast), late: replayer.dropped, silent: [] }
    },
  }
}

type IsPast = (of: { readonly at: number }) => boolean

const observerUntil = (observer: Observer, isPast: IsPast): Observer => ({
  begin: () => observer.begin?.(),
  pass: (monitor, pass) => {
    if (isPast(pass)) observer.pass(monitor, pass)
  },
  end: (monitor, lastCounting) => observer.end?.(monitor, lastCounting),
  ended: (monitor, key, at, cause) => {
    if (isPast({ at })) observer.ended(monitor, key, at, cause)
  },
})

const ruleObserverUntil = (observer: RuleObserver, isPast: IsPast): RuleObserver => ({
  begin: () => observer.begin?.(),
  entered: (rule, entry) => observer.entered?.(rule, entry),
  pass: (rule, pass) => {
    if (isPast(pass)) observer.pass(rule, pass)
  },
})
