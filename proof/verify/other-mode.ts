import { Evaluator, type IndexedLog, type SearchMonitor } from 'alertproof'
import { DATADOG_CADENCE_SECONDS } from 'alertproof/replay'
import type { Group } from '../../attacks/kit/attack.ts'
import type { Logs } from './logs.ts'
import { isSameGroup } from './match.ts'

/** When a monitor fires over given logs, evaluated in one way. */
export interface Question {
  readonly monitor: SearchMonitor
  readonly group: Group
  /** Epoch ms: nothing before it is asked for. */
  readonly since: number
  /** Undefined: at each log's own time. */
  readonly cadenceSeconds: number | undefined
}

/**
 * Asks of a run's own log when the alert would have come, had its monitor been evaluated in the other way: the same
 * evaluator, the same monitor and the same events as in the run.
 * @returns epoch ms, or undefined when it would not have come
 */
export async function alertedOtherwise(question: Question, logs: Logs): Promise<number | undefined> {
  return firesAt(question, await logsOfGroup(question.monitor, question.group, logs))
}

/** The logs that count in a group of a monitor, in order of time. */
export async function logsOfGroup(
  monitor: SearchMonitor,
  group: Group,
  logs: Pick<Logs, 'search'>,
): Promise<IndexedLog[]> {
  const terms = Object.entries(group).map(([facet, value]) => `${facet}:"${value}"`)
  const found = await logs.search([`(${monitor.parsed.search})`, ...terms].join(' '))
  return found.sort((a, b) => a.timestamp - b.timestamp)
}

/** @param found in any order */
export function firesAt(
  { monitor, group, since, cadenceSeconds }: Question,
  found: readonly IndexedLog[],
): number | undefined {
  const evaluator = new Evaluator([monitor], {
    samples: false,
    ...(cadenceSeconds === undefined ? { live: true } : { cadenceSeconds }),
  })
  const inOrder = [...found].sort((a, b) => a.timestamp - b.timestamp)
  const transitions = inOrder.flatMap((log) => evaluator.push(log))
  const end =
    Math.max(since, inOrder.at(-1)?.timestamp ?? since) + monitor.parsed.windowMs + 2 * DATADOG_CADENCE_SECONDS * 1000
  transitions.push(...evaluator.advance(end))
  return transitions.find(
    ({ transition, at, ...one }) => transition === 'Triggered' && at >= since && isSameGroup(one.group, group),
  )?.at
}
