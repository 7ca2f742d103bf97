import { loadMonitors } from 'alertproof'
import { loadRules } from 'alertproof/siem'
import type { Attack, Target, TargetKind } from '../../attacks/kit/attack.ts'
import { openMailbox } from '../../attacks/kit/clients/mailbox.ts'
import { openInsider } from '../../proof/verify/insider.ts'
import { openLogs } from '../../proof/verify/logs.ts'
import type { Verdict } from '../../proof/verify/scoreboard.ts'
import { type VerifyOptions, verify } from '../../proof/verify/verify.ts'
import { Watch } from '../../proof/verify/watch.ts'
import { type Drawings, drawingsOf } from './drawing.ts'
import type { VerifiedLab } from './lab.ts'

export interface Verification extends Pick<VerifyOptions, 'runId' | 'seed' | 'say' | 'signal'> {
  readonly attacks: readonly Attack[]
  readonly targets: readonly TargetKind[]
  /** Also draws the values of each attack. */
  readonly drawings?: boolean
}

/** Carries out attacks and their twins in a running lab, and observes it from outside. */
export async function verifyIn(
  lab: VerifiedLab,
  options: Verification,
): Promise<{ verdicts: readonly Verdict[]; drawings: Drawings }> {
  const { attacks, runId, seed, say } = options
  // An early end must also end the attacks that run at the same time.
  const ending = new AbortController()
  const signal = AbortSignal.any([options.signal, ending.signal])
  const watch = await Watch.open(lab.urls.datadog)
  const lost = lab.failed.then((error) => Promise.reject(error))
  lost.catch(() => {})
  try {
    const { urls, cadenceSeconds, detections } = lab
    const logs = openLogs(urls.datadog, signal)
    const monitors = await loadMonitors(detections)
    const rules = new Set((await loadRules(detections)).map(({ slug }) => slug))
    const insider = openInsider(urls.datadog)
    const mailbox = openMailbox(urls.datadog, signal)
    const observed = { watch, logs, cadenceSeconds, monitors, rules, insider, mailbox, taken: new Set<string>() }
    const targets = options.targets.map((kind): Target => ({ kind, baseUrl: urls[kind] }))
    const verdicts = await Promise.race([
      verify({ lab: observed, attacks, targets, hosts: urls, runId, seed, say, signal }),
      lost,
    ])
    return { verdicts, drawings: options.drawings ? await drawingsOf(verdicts, observed) : new Map() }
  } finally {
    ending.abort(new Error('verify is over'))
    watch.close()
  }
}
