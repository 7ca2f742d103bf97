import { randomBytes } from 'node:crypto'
import { loadMonitors } from 'alertproof'
import { counted, duration, paint, wrapped } from 'alertproof/cli'
import { loadRules } from 'alertproof/siem'
import { freshAddresses } from '../../attacks/kit/addresses.ts'
import { type Attack, BenignRefused, type TargetKind } from '../../attacks/kit/attack.ts'
import type { Account } from '../../attacks/kit/cast.ts'
import { allowedOrigin } from '../../attacks/kit/clients/allow-list.ts'
import { openMailbox } from '../../attacks/kit/clients/mailbox.ts'
import { createAttackContext, createContext } from '../../attacks/kit/context.ts'
import { type RunFile, readRunFile } from '../../lab/start/run-file.ts'
import {
  actTwin,
  checkAccess,
  detonate,
  type ObservedLab,
  type Outcome,
  type Run,
  type TwinOutcome,
} from '../../proof/verify/detonate.ts'
import { openInsider } from '../../proof/verify/insider.ts'
import { judgeAttack, judgeTwin } from '../../proof/verify/judge.ts'
import { openLogs } from '../../proof/verify/logs.ts'
import type { Scenario } from '../../proof/verify/scoreboard.ts'
import { modeOf } from '../../proof/verify/verify.ts'
import { Watch } from '../../proof/verify/watch.ts'
import { runningLab } from './lab.ts'
import { copyMine } from './mine.ts'
import { narrator } from './narrator.ts'

export interface RunOptions {
  readonly attack: Attack
  readonly target: TargetKind
  readonly twin: boolean
  readonly seed: number
  /** The lab's directory. */
  readonly dir: string
  /** Robs the session of the person at the screen: the one with this sid, or the one that was used last. */
  readonly mine?: { readonly sid: string | undefined } | undefined
  /** Replaces the address of the lab. */
  readonly baseUrl: string | undefined
  readonly allowedHosts: readonly string[]
  /** Existing accounts of that target. */
  readonly accounts?: readonly Account[] | undefined
  /** The mailbox of that target. */
  readonly mailbox?: string | undefined
  readonly narrate: (text: string) => void
  /** Gets each step of the story instead of `narrate`. */
  readonly tell?: Run['tell'] | undefined
  /** Called with the run's id, by which its events are found. */
  readonly began?: ((runId: string) => void) | undefined
  /** Awaited before each request. */
  readonly pace?: Run['pace']
  /** The width of narrated lines (default 80). */
  readonly width?: number
  readonly color: boolean
  readonly signal: AbortSignal
}

/** What `attack run --json` prints for each target. Without a lab the alerts are unknown. */
export interface RunReport
  extends Partial<Pick<Scenario, 'ends' | 'attack' | 'alert' | 'containment' | 'otherwise' | 'benign'>> {
  readonly run_id: string
  readonly seed: number
  readonly slug: string
  readonly target: TargetKind
  readonly twin: boolean
  /** In the lab, whether every check holds; elsewhere, whether the attack could be carried out. */
  readonly ok: boolean
}

/** Outside the lab the alert cannot be observed; Datadog takes one or two minutes to raise one. */
const BLIND = { quietPauseMs: 5_000, patienceMs: 150_000 }

/**
 * Carries out one attack, or its twin, and narrates each step.
 * @throws TargetRefused, AccountsMissing, or RequestFailed when the target does not answer as expected
 */
export async function runAttack(options: RunOptions): Promise<RunReport> {
  const { attack, target, twin, seed, baseUrl, narrate, color, signal } = options
  const named = baseUrl === undefined ? undefined : allowedOrigin(baseUrl, options.allowedHosts)
  const lab = await readRunFile(options.dir)
  if (!lab && named === undefined) throw new NoLab()
  const origin = named ?? allowedOrigin(lab?.urls[target] ?? '', [])
  const mine = options.mine && lab ? await copyMine(options.dir, lab, options.mine.sid, signal) : undefined
  const runId = `a-${randomBytes(4).toString('hex')}`
  const names = wrapped(attack.techniques.map(({ id, name }) => `${id} ${name}`).join(', '), options.width).join('\n')
  narrate(`${paint({ color }, 'bold', `${twin ? attack.twin.title : attack.title}, ${target} at ${origin}`)}
${twin ? `The benign twin of ${attack.slug}: it must raise no alert.` : names}
Run ${runId}, seed ${seed}.

`)
  options.began?.(runId)
  const tell = options.tell ?? narrator({ color, narrate })
  const targetLab = lab && isSame(lab.urls[target], origin) ? lab : undefined
  const { web, functions } = targetLab?.urls ?? {}
  const hosts = { ...(web && { web }), ...(functions && { functions }) }
  const given: Pick<Run, 'accounts' | 'mailbox'> = {
    accounts: options.accounts,
    ...(options.mailbox !== undefined && {
      mailbox: openMailbox(allowedOrigin(options.mailbox, options.allowedHosts), signal),
    }),
  }
  const run: Run = {
    attack,
    target: { kind: target, baseUrl: origin },
    hosts,
    ...given,
    mine,
    runId,
    seed,
    signal,
    tell,
    pace: options.pace,
  }
  const observed = targetLab && (await observe(targetLab, signal))
  try {
    const head = { run_id: runId, seed, slug: attack.slug, target, twin }
    const report = { ...head, ...(await (twin ? doTwin(run, observed, options) : doAttack(run, observed, options))) }
    return report
  } finally {
    observed?.watch.close()
  }
}

/** No lab runs and no other target is named. */
class NoLab extends Error {
  override readonly name = 'NoLab'
  constructor() {
    super(`No lab is running. Start one in another terminal, and try again:

  npm start

Or name another target and accounts for it: --target web --base-url URL --accounts FILE`)
  }
}

async function observe(run: RunFile, signal: AbortSignal): Promise<ObservedLab> {
  const { urls, cadenceSeconds, detections } = runningLab(run)
  const watch = await Watch.open(urls.datadog)
  return {
    watch,
    logs: openLogs(urls.datadog, signal),
    cadenceSeconds,
    insider: openInsider(urls.datadog),
    mailbox: openMailbox(urls.datadog, signal),
    monitors: await loadMonitors(detections),
    rules: new Set((await loadRules(detections)).map(({ slug }) => slug)),
    taken: new Set(),
  }
}

type Facts = ReturnType<typeof judgeAttack>['facts']
type Findings = Omit<RunReport, 'run_id' | 'seed' | 'slug' | 'target' | 'twin'>

async function doAttack(
  run: Run,
  lab: ObservedLab | undefined,
  { narrate, color, width }: RunOptions,
): Promise<Findings> {
  const outcome = lab ? await detonate(run, lab) : await detonateBlind(run)
  const { facts, faults } = judgeAttack(run.attack, outcome, modeOf(lab ?? { cadenceSeconds: undefined }))
  const holds = faults.length === 0
  const summary = `${capitalize(timesOf(facts) || 'carried out')}.`
  narrate(
    `\n${paint({ color }, holds ? 'green' : 'red', summary)}\n${wrapped(verdictOf(facts.containment), width).join('\n')}\n`,
  )
  if (lab && !holds) narrate(paint({ color }, 'red', failedChecks(faults, width)))
  narrate(`What a responder does next: ${run.attack.runbook}\n\n`)
  return { ...facts, ok: lab ? holds : true }
}

/** One check a line. */
const failedChecks = (faults: readonly string[], width = 80): string =>
  ['Failed checks:', ...faults.map((fault) => wrapped(`- ${fault}`, width - 2).join('\n  '))].join('\n').concat('\n')

function timesOf({ ends, alert, containment }: Facts): string {
  const { contain_ms, attacker_dead } = containment
  if (ends === 'prevented') return contain_ms === null ? '' : `refused after ${duration(contain_ms)}`
  const notStopped = attacker_dead === null ? 'not stopped' : ''
  const times = [
    alert.detect_ms === null ? '' : `seen after ${duration(alert.detect_ms)}`,
    contain_ms === null ? notStopped : `stopped after ${duration(contain_ms)}`,
  ]
  return times.filter((part) => part !== '').join(', ')
}

function verdictOf({ attacker_dead, entered, still_in, locked_out, to_restore }: Scenario['containment']): string {
  const byDefence =
    locked_out === 0 ? 'No honest person is locked out.' : `Honest people who are locked out: ${locked_out}.`
  const byAttacker = `Owners whom the attacker locked out, and whose account a person must restore: ${to_restore}.`
  const honest = to_restore === 0 ? byDefence : `${byDefence} ${byAttacker}`
  const accounts = counted(entered, 'account')
  if (attacker_dead === null) {
    return `This alert contains nothing; a person decides. The attacker entered ${accounts} and has access to ${still_in}. ${honest}`
  }
  return `The attacker entered ${accounts} and still has access to ${still_in}. ${honest}`
}

async function doTwin(run: Run, lab: ObservedLab | undefined, { narrate, color }: RunOptions): Promise<Findings> {
  const twin = await actTwinAnywhere(run, lab)
  const { facts, faults } =
    lab || twin instanceof Error ? judgeTwin(twin) : { facts: { events: 0, alerts: 0 }, faults: [] }
  const quiet = lab ? `No alert over ${facts.events} events.` : 'No honest request was refused.'
  const text =
    faults.length === 0 ? paint({ color }, 'green', `${quiet}\n`) : paint({ color }, 'red', failedChecks(faults))
  narrate(`\n${text}\n`)
  return { ...(lab && { benign: facts }), ok: faults.length === 0 }
}

async function actTwinAnywhere(run: Run, lab: ObservedLab | undefined): Promise<TwinOutcome | Error> {
  try {
    if (lab) return await actTwin(run, lab)
    await run.attack.twin.act(run.target, createContext({ ...run, addresses: freshAddresses(async () => false) }))
    return { events: 0, alerts: [], missing: [] }
  } catch (error) {
    if (error instanceof BenignRefused) return error
    throw error
  }
}

async function detonateBlind(run: Run): Promise<Outcome> {
  const context = createContext({ ...run, addresses: freshAddresses(async () => false) })
  run.tell('nobody', 'observes alerts here: the attacker continues until refused')
  const alarm = { ...BLIND, heard: async () => 'unheard' as const, contained: async () => undefined }
  const attacking = createAttackContext(context, run.tell, alarm)
  const detonation = await run.attack.attack(run.target, attacking)
  const requests = context.requests()
  return {
    requests,
    detonation,
    access: await checkAccess(run, context, attacking, detonation),
    alert: undefined,
    contained: undefined,
    alertedOtherwise: undefined,
  }
}

/** Compares hosts; `127.0.0.1` and `[::1]` are other names of `localhost`. */
const isSame = (one: string, other: string): boolean => {
  const plain = (url: string) => new URL(url).host.replace(/^(127\.0\.0\.1|\[::1\])(?=:|$)/, 'localhost')
  return plain(one) === plain(other)
}

const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
