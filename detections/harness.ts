import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  Evaluator,
  type IndexedLog,
  loadMonitors,
  logOfEvent,
  type Monitor,
  type SearchMonitor,
  type Transition,
} from 'alertproof'
import { Replayer } from 'alertproof/replay'
import type { Event } from '../shared/event.ts'

/** Transitions with their time in ms after the first event, in order. */
export type Timeline = readonly (readonly [transition: Transition['transition'], afterMs: number])[]

/**
 * One alert from its trigger to its recovery, in ms since the first event.
 * @param reminderMs how long an alert lasts before each reminder; 0 for no reminder
 */
export function alertLasting(triggeredMs: number, recoveredMs: number, reminderMs = 10 * 60_000): Timeline {
  const reminders: (readonly ['Re-Triggered', number])[] = []
  for (let at = triggeredMs + reminderMs; reminderMs > 0 && at < recoveredMs; at += reminderMs) {
    reminders.push(['Re-Triggered', at])
  }
  return [['Triggered', triggeredMs], ...reminders, ['Recovered', recoveredMs]]
}

/** Events that must, or must not, make a detection fire. */
export interface DetectionCase {
  /** A sentence someone could disagree with. */
  readonly name: string
  /** In order of arrival, as the app logs them. */
  readonly events: readonly object[]
  /** Whether some group fires; a list names every group that does, and each of its cycles. */
  readonly fires: boolean | readonly Record<string, string>[]
  /** Each transition, evaluated at each event's own time. */
  readonly transitions?: Timeline
  /** Each transition, evaluated every minute. */
  readonly cadence?: Timeline
  /** The evaluation ends after this many ms. By default it ends when every group has settled. */
  readonly until?: number
  /** The number of events that arrive too late to count. Compared only if given. */
  readonly dropped?: number
  /** The app never logs such events: they do not satisfy the event contract. */
  readonly outsideContract?: true
}

/** The events by which claims and the planted log take a detection over its threshold. */
export interface Proof {
  /**
   * One event that counts, valid by the contract, as the app logs it.
   * @param i from 0: each adds exactly one to the value, so that for a cardinality each has a value of its own
   * @param afterMs milliseconds into the case
   * @param subject from 0: events of subject 0 and 1 share no group
   */
  counts(i: number, afterMs: number, subject: number): Event
  /** The i-th event of an attack on the same subject that stays below the threshold, whatever the number of events. */
  almost(i: number, afterMs: number, subject: number): Event
  /** Mutants that give the same result as the monitor for all events of the app: name, as `npm run test:mutants` prints it, and reason. */
  readonly equivalent?: Readonly<Record<string, string>>
}

/** How a case is evaluated: live at each log, live each minute, or replayed in either way. */
export const modes = ['arrival', 'cadence', 'replay', 'replay in cadence'] as const
export type Mode = (typeof modes)[number]

export interface CaseResult {
  readonly monitor: Monitor
  readonly case: DetectionCase
  readonly mode: Mode
  readonly transitions: readonly Transition[]
  /** What the case expects and this run did not give; empty when it holds. */
  readonly faults: readonly string[]
}

export interface Detection {
  readonly monitor: SearchMonitor
  readonly cases: readonly DetectionCase[]
  readonly proof: Proof
}

/** Loads each `<slug>/monitor.json` below a folder with the `cases` and the `proof` that its `cases.ts` exports. */
export async function loadDetections(dir: string): Promise<Detection[]> {
  const monitors = await loadMonitors(dir)
  return Promise.all(
    monitors.map(async (monitor) => {
      const file = pathToFileURL(join(dir, monitor.slug, 'cases.ts')).href
      const { cases, proof }: Omit<Detection, 'monitor'> = await import(file)
      return { monitor, cases, proof }
    }),
  )
}

/** Runs one case; a monitor other than the catalogue's may be given, as a mutant is. */
export function runCase(monitor: Monitor, each: DetectionCase, mode: Mode): CaseResult {
  const logs = logsOf(each)
  const { transitions: all, dropped } = mode.startsWith('replay')
    ? replayed(monitor, logs, mode)
    : live(monitor, logs, mode)
  const transitions = all.filter(({ at }) => at <= beginsAt + (each.until ?? Number.POSITIVE_INFINITY))
  const timeline = isCadence(mode) ? each.cadence : each.transitions
  const faults = [
    ...firingFaults(each, transitions),
    ...timingFaults(timeline, logs, transitions),
    ...cycleFaults(transitions),
    ...(each.dropped === undefined || each.dropped === dropped ? [] : [`dropped ${dropped}, not ${each.dropped}`]),
  ]
  return { monitor, case: each, mode, transitions, faults }
}

const readCases = new WeakMap<DetectionCase, readonly IndexedLog[]>()
/** A case is read once for all mutants, because its logs are never changed. */
function logsOf(each: DetectionCase): readonly IndexedLog[] {
  const logs = readCases.get(each) ?? each.events.map((event) => logOfEvent({ ...event }))
  readCases.set(each, logs)
  return logs
}

interface Run {
  readonly transitions: Transition[]
  readonly dropped: number
}

const MINUTE_SECONDS = 60
const isCadence = (mode: Mode) => mode.includes('cadence')
const cadenceFor = (mode: Mode) => (isCadence(mode) ? { cadenceSeconds: MINUTE_SECONDS } : { live: true })

function live(monitor: Monitor, logs: readonly IndexedLog[], mode: Mode): Run {
  const evaluator = new Evaluator([monitor], cadenceFor(mode))
  const transitions = logs.flatMap((log) => evaluator.push(log))
  for (let due = evaluator.nextDue(); due !== undefined; due = evaluator.nextDue())
    transitions.push(...evaluator.advance(due))
  return { transitions, dropped: evaluator.dropped }
}

function replayed(monitor: Monitor, logs: readonly IndexedLog[], mode: Mode): Run {
  const transitions: Transition[] = []
  const options = { ...cadenceFor(mode), silenceAfterEnd: true }
  const replayer = new Replayer([monitor], options, (transition) => transitions.push(transition))
  for (const log of logs) replayer.push(log, log.timestamp)
  replayer.finish()
  return { transitions, dropped: replayer.dropped }
}

function firingFaults({ fires }: DetectionCase, transitions: readonly Transition[]): string[] {
  const fired = transitions
    .filter(({ transition }) => transition === 'Triggered')
    .map(({ group }) => JSON.stringify(group))
  if (typeof fires === 'boolean') {
    return fires === fired.length > 0 ? [] : [fires ? 'fired for no group' : `fired for ${fired.join(', ')}`]
  }
  const wanted = fires.map((group) => JSON.stringify(group))
  return String(wanted.sort()) === String(fired.sort())
    ? []
    : [`fired for ${fired.join(', ')}, not for ${wanted.join(', ')}`]
}

function timingFaults(
  timeline: Timeline | undefined,
  logs: readonly IndexedLog[],
  transitions: readonly Transition[],
): string[] {
  if (!timeline) return []
  const first = Math.min(...logs.map((log) => log.timestamp))
  const found = JSON.stringify(transitions.map(({ transition, at }) => [transition, at - first]))
  const wanted = JSON.stringify(timeline)
  return found === wanted ? [] : [`went through ${found}, not ${wanted}`]
}

/** A group has one cycle key from the trigger to the recovery, and another one afterwards: containments are identified by it. */
function cycleFaults(transitions: readonly Transition[]): string[] {
  const open = new Map<string, string>()
  const used = new Set<string>()
  const faults: string[] = []
  for (const { transition, group, cycleKey } of transitions) {
    const key = JSON.stringify(group)
    const current = open.get(key)
    if (current !== undefined && current !== cycleKey) faults.push(`changed its cycle key before ${transition}`)
    if (current === undefined && used.has(cycleKey)) faults.push(`used a cycle key again for ${key}`)
    used.add(cycleKey)
    if (transition === 'Recovered') open.delete(key)
    else open.set(key, cycleKey)
  }
  return faults
}

/** When every case begins: on a full minute, so that a cadence window can span the same edge as an arrival window. */
const beginsAt = Date.UTC(2026, 0, 5, 9, 0, 0)

/** @param ms since the begin of the case @returns the `timestamp` of an event */
export const after = (ms: number): string => new Date(beginsAt + ms).toISOString()
