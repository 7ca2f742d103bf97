import { logOfEvent } from 'alertproof'
import { Replayer } from 'alertproof/replay'
import type { SiemRule, SignalChange } from 'alertproof/siem'
import type { DetectionCase } from './harness.ts'

/**
 * Runs a case of a detection on its Cloud SIEM rule. A signal lasts longer than an alert and absorbs later ones, so groups are compared
 * without their cycles, and only the time of the first trigger is compared.
 * @returns what the case expects and the rule did not give; empty when it holds
 */
export function ruleFaults(rule: SiemRule, given: DetectionCase): string[] {
  const { fires, transitions, dropped } = given
  const { changes, logs, replayer } = replayRule(rule, given)
  const opened = changes.filter(({ transition }) => transition === 'Triggered')
  return [
    ...firingFaults(fires, opened),
    ...timingFaults(transitions, opened[0], Math.min(...logs.map(({ timestamp }) => timestamp))),
    ...(dropped === undefined || dropped === replayer.dropped ? [] : [`dropped ${replayer.dropped}, not ${dropped}`]),
  ]
}

/** Evaluates the events of a case by a rule. */
export function replayRule(rule: SiemRule, { events }: DetectionCase) {
  const changes: SignalChange[] = []
  const replayer = new Replayer(
    [],
    { rules: [rule] },
    () => {},
    (change) => changes.push(change),
  )
  const logs = events.map((event) => logOfEvent({ ...event }))
  for (const log of logs) replayer.push(log, log.timestamp)
  replayer.finish()
  return { changes, logs, replayer }
}

function firingFaults(fires: DetectionCase['fires'], opened: readonly SignalChange[]): string[] {
  const fired = textsOf(opened.map(({ group }) => group))
  if (typeof fires !== 'boolean') {
    const wanted = textsOf(fires)
    return String(wanted) === String(fired) ? [] : [`fired for ${fired.join(', ')}, not for ${wanted.join(', ')}`]
  }
  if (fires === fired.length > 0) return []
  return [fires ? 'fired for no group' : `fired for ${fired.join(', ')}`]
}

const textsOf = (groups: readonly object[]): string[] =>
  [...new Set(groups.map((group) => JSON.stringify(group)))].sort()

function timingFaults(
  timeline: DetectionCase['transitions'],
  first: SignalChange | undefined,
  began: number,
): string[] {
  const [, wanted] = timeline?.find(([transition]) => transition === 'Triggered') ?? []
  const found = first && first.at - began
  return timeline === undefined || found === wanted ? [] : [`opened at ${found} ms, not at ${wanted} ms`]
}
