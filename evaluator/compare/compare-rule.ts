import { InputError } from '../input-error.ts'
import { isRecord } from '../json.ts'
import type { IndexedLog } from '../log.ts'
import { Replayer } from '../replay/index.ts'
import type { SiemRule } from '../siem/rule.ts'
import type { SignalChange } from '../siem/signal.ts'
import type { Period } from './account.ts'
import type { StateChange } from './change.ts'
import { type Assumptions, type Judged, matchesWithin } from './compare.ts'

/**
 * Reads the signals that Datadog opened by a rule, as `alertproof replay --json` prints them. Signals that rise or close are left out.
 * @throws InputError naming a record that says no time or group; a signal of the API has no documented place for its group
 */
export function readReportedSignals(records: readonly unknown[], { slug }: SiemRule): StateChange[] {
  const opened = records.flatMap((record, i): StateChange[] => {
    const refuse = (reason: string): never => {
      throw new InputError(`reported record ${i + 1} ${reason}`)
    }
    if (!isRecord(record)) return refuse('is not an object')
    if (isRecord(record.attributes)) {
      return refuse(
        'is a signal of the API, whose group has no documented place: write {transition, group, at} for each',
      )
    }
    if ((record.monitor ?? slug) !== slug) return []
    if (record.transition === 'Raised' || record.transition === 'Closed') return []
    if (record.transition !== 'Triggered') return refuse('has no transition: Triggered, Raised or Closed')
    const at = typeof record.at === 'string' ? Date.parse(record.at) : Number.NaN
    if (Number.isNaN(at)) return refuse('has no time `at` in ISO 8601')
    const group = Object.entries(isRecord(record.group) ? record.group : {})
    return [
      { transition: 'Triggered', at, group: Object.fromEntries(group.map(([key, value]) => [key, String(value)])) },
    ]
  })
  return opened.sort((a, b) => a.at - b.at)
}

/** Evaluates a rule over logs and compares the signals that open with those that Datadog opened. */
export function compareRule(
  rule: SiemRule,
  logs: readonly IndexedLog[],
  reported: readonly StateChange[],
  assumptions: Assumptions,
  period: Period | undefined,
): Judged[] {
  const here: StateChange[] = []
  const take = ({ transition, group, at }: SignalChange) => {
    if (transition === 'Triggered') here.push({ transition, group, at })
  }
  const replayer = new Replayer([], { rules: [rule] }, () => {}, take)
  for (const log of logs.toSorted((a, b) => a.timestamp - b.timestamp)) replayer.push(log, log.timestamp)
  replayer.finish()
  const likely = ['rule-at-each-event', ...(rule.queries.length > 1 ? ['join-by-position'] : []), 'signal-first-seen']
  return matchesWithin(here, reported, assumptions, period).map((match) => ({
    ...match,
    likely: match.kind === 'agrees' ? [] : likely,
  }))
}
