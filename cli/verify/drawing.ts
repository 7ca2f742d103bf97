import { type Explanation, explainFrom, QuestionError, sourceOfLogs } from 'alertproof'
import type { ObservedLab } from '../../proof/verify/detonate.ts'
import type { Logs } from '../../proof/verify/logs.ts'
import { logsOfGroup } from '../../proof/verify/other-mode.ts'
import type { Scenario } from '../../proof/verify/scoreboard.ts'

/** Shown on either side of what happened. */
const MARGIN_MS = 500

/** What explains the alert of each scenario that had one. */
export type Drawings = ReadonlyMap<Alerted, Explanation>

type Alerted = Pick<Scenario, 'alert'>

/** Where the logs of the run are, and what evaluated them. */
type Source = Pick<ObservedLab, 'cadenceSeconds' | 'monitors'> & { readonly logs: Pick<Logs, 'search'> }

/** Reads from the lab's logs how the value of each alert came to its threshold, evaluated as in the lab. */
export async function drawingsOf(verdicts: readonly { readonly scenario: Alerted }[], lab: Source): Promise<Drawings> {
  const { cadenceSeconds, monitors, logs } = lab
  const evaluation = cadenceSeconds === undefined ? { live: true } : { cadenceSeconds }
  const drawings = new Map<Alerted, Explanation>()
  for (const { scenario } of verdicts) {
    const { group } = scenario.alert
    const monitor = monitors.find(({ slug }) => slug === scenario.alert.monitor)
    if (!monitor || !group) continue
    const found = await logsOfGroup(monitor, group, logs)
    try {
      // The logs after the alert are not waited for: what is silent in the lab is silent.
      const options = { ...evaluation, silenceAfterEnd: true }
      const { explanation } = await explainFrom(sourceOfLogs(found), monitor, { group }, options)
      // The stand-in keeps a bounded number of logs: some of an early scenario may be gone.
      if (!explanation.verdict.fired) continue
      const [first, last] = [found[0]?.timestamp ?? 0, found.at(-1)?.timestamp ?? 0]
      drawings.set(scenario, withoutFuture(explanation, first, last))
    } catch (error) {
      // Or all of them.
      if (!(error instanceof QuestionError)) throw error
    }
  }
  return drawings
}

/** Only what happened while the attack ran: a recovery is still to come. @param first log of the group, epoch ms @param last */
function withoutFuture(explanation: Explanation, first: number, last: number): Explanation {
  const { group, verdict } = explanation
  if (!group) return explanation
  const end = Math.max(last, 'at' in verdict ? Date.parse(verdict.at) : last)
  const margin = Math.max(MARGIN_MS, (end - first) / 5)
  const to = new Date(end + margin).toISOString()
  const happened = <T extends { readonly at: string }>(items: readonly T[]) => items.filter(({ at }) => at <= to)
  return {
    ...explanation,
    group: {
      ...group,
      ...{ from: new Date(first - margin).toISOString(), to },
      ...{ changes: happened(group.changes), story: happened(group.story) },
      ...{ evaluations: happened(group.evaluations), values: happened(group.values) },
    },
  }
}
