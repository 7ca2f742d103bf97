import type { Alert } from 'alertproof/notify'
import { type Attack, BenignRefused, type Target, type TargetKind } from '../../attacks/kit/attack.ts'
import { RequestFailed } from '../../attacks/kit/clients/request-failed.ts'
import { inParallel } from '../../attacks/kit/parallel.ts'
import { SEED_MAX } from '../../attacks/kit/random.ts'
import { actTwin, detonate, type ObservedLab, type Run } from './detonate.ts'
import { judge } from './judge.ts'
import { isSameGroup } from './match.ts'
import type { Evaluation, Verdict } from './scoreboard.ts'

export interface VerifyOptions {
  readonly lab: ObservedLab
  readonly attacks: readonly Attack[]
  readonly targets: readonly Target[]
  /** Origins of both hosts: whatever an attack gets on one is asked on the other too. */
  readonly hosts: Readonly<Record<TargetKind, string>>
  /** Of the whole run. Each detonation and each twin appends its number. */
  readonly runId: string
  readonly seed: number
  /**
   * Called with what happens, scenario by scenario.
   * @param afterMs since the origin of the scenario's story, where the text is part of one
   */
  readonly say: (scenario: string, text: string, afterMs?: number) => void
  readonly signal: AbortSignal
}

/** More would only wait for each other, because each sign-in hashes a password and there are two cores. */
const AT_ONCE = 6
/** Twice the longest window of an alert about the whole service. */
const RECOVERS_WITHIN_MS = 20 * 60_000

export const modeOf = ({ cadenceSeconds }: Pick<ObservedLab, 'cadenceSeconds'>): Evaluation =>
  cadenceSeconds === undefined ? 'arrival' : 'cadence'

interface Pair {
  readonly attack: Attack
  readonly target: Target
  /** Short enough for a run id. */
  readonly number: number
}

/**
 * Detonates each attack and its twin on each target. Where monitors are evaluated at each event, attacks run one after the
 * other, so that none delays the measured alert of another; those that wait for a renewal run beside them. Where monitors
 * are evaluated at intervals, several run together. An attack that alerts about the whole service always runs last and alone.
 * @throws when the lab is lost, or the signal ends it
 */
export async function verify(options: VerifyOptions): Promise<Verdict[]> {
  const pairs = options.attacks
    .flatMap((attack) => options.targets.map((target) => ({ attack, target })))
    .filter(({ attack, target }) => attack.targets.includes(target.kind))
    .map((pair, at) => ({ ...pair, number: at + 1 }))
  const own = pairs.filter(({ attack }) => !attack.serviceWide)
  const wide = pairs.filter(({ attack }) => attack.serviceWide)
  const isApart = ({ attack }: Pair) => modeOf(options.lab) === 'cadence' || attack.waitsForRenewal === true
  const inTurn = own.filter((pair) => !isApart(pair))
  const verdicts = (
    await Promise.all([
      inParallel(inTurn, 1, (pair) => holdsInTurn(pair, options)),
      inParallel(own.filter(isApart), AT_ONCE, (pair) => holdsAtOnce(pair, options)),
    ])
  ).flat()
  for (const pair of wide) verdicts.push(await holdsAlone(pair, options))
  return inOrder(verdicts, pairs)
}

/** In the order of the list of attacks. */
const inOrder = (verdicts: readonly Verdict[], pairs: readonly Pair[]): Verdict[] =>
  pairs.flatMap(({ attack, target }) =>
    verdicts.filter(({ scenario }) => scenario.slug === attack.slug && scenario.target === target.kind),
  )

/** The twin goes first: once the attack has raised the alert about the whole service, nothing could raise it again. */
async function holdsAlone(pair: Pair, options: VerifyOptions): Promise<Verdict> {
  const startedAt = performance.now()
  const { lab } = options
  await awaitQuiet(pair, options)
  const twin = await attempt(() => actTwin(twinRunOf(pair, options), lab))
  const outcome = await attempt(() => detonate(runOf(pair, options), lab))
  return reported(judge({ ...findingsOf(pair, startedAt, options), outcome, twin }), options)
}

async function holdsInTurn(pair: Pair, options: VerifyOptions): Promise<Verdict> {
  const startedAt = performance.now()
  const outcome = await attempt(() => detonate(runOf(pair, options), options.lab))
  const twin = await attempt(() => actTwin(twinRunOf(pair, options), options.lab))
  return reported(judge({ ...findingsOf(pair, startedAt, options), outcome, twin }), options)
}

async function holdsAtOnce(pair: Pair, options: VerifyOptions): Promise<Verdict> {
  const startedAt = performance.now()
  const [outcome, twin] = await Promise.all([
    attempt(() => detonate(runOf(pair, options), options.lab)),
    attempt(() => actTwin(twinRunOf(pair, options), options.lab)),
  ])
  return reported(judge({ ...findingsOf(pair, startedAt, options), outcome, twin }), options)
}

/** An alert of an earlier run that is still open would hide the next one, so this waits for its recovery. */
async function awaitQuiet({ attack, target }: Pair, { lab, say, signal }: VerifyOptions): Promise<void> {
  const group = attack.serviceWide?.(target.kind) ?? {}
  const isOfGroup = (alert: Alert) => alert.monitor === attack.trips && isSameGroup(alert.group, group)
  const last = (await lab.logs.alertsSince(0)).filter(isOfGroup).at(-1)
  if (!last || last.transition === 'Recovered') return
  say(`${attack.slug} on ${target.kind}`, 'waits for the recovery of an earlier run’s alert')
  await lab.watch.alert(
    (alert) => isOfGroup(alert) && alert.id > last.id && alert.transition === 'Recovered',
    RECOVERS_WITHIN_MS,
  )
  signal.throwIfAborted()
}

const findingsOf = ({ attack, target }: Pair, startedAt: number, { lab }: VerifyOptions) => ({
  attack,
  target: target.kind,
  mode: modeOf(lab),
  durationMs: performance.now() - startedAt,
})

const nameOf = ({ attack, target }: Pair): string => `${attack.slug} on ${target.kind}`

const runOf = (pair: Pair, { hosts, runId, seed, say, signal }: VerifyOptions): Run => ({
  attack: pair.attack,
  target: pair.target,
  hosts,
  runId: `${runId}-${pair.number}`,
  // Other people and other choices in each, and the same ones again for the same seed.
  seed: (seed + pair.number) % SEED_MAX,
  signal,
  tell: (who, what, ms) => say(nameOf(pair), `${who}: ${what}`, ms),
})

const twinRunOf = (pair: Pair, options: VerifyOptions): Run => ({
  ...runOf(pair, options),
  runId: `${options.runId}-${pair.number}-twin`,
  tell: (who, what) => options.say(`${nameOf(pair)}, twin`, `${who}: ${what}`),
})

/** A target that fails or that refuses an honest person is a finding. Any other error is a fault of verify or of the lab. */
async function attempt<T>(act: () => Promise<T>): Promise<T | Error> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof RequestFailed || error instanceof BenignRefused) return error
    throw error
  }
}

function reported(verdict: Verdict, { say }: VerifyOptions): Verdict {
  const { scenario, faults } = verdict
  say(`${scenario.slug} on ${scenario.target}`, scenario.ok ? 'holds' : `DOES NOT HOLD: ${faults.join('; ')}`)
  return verdict
}
