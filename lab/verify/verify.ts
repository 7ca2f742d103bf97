import { type Attack, BenignRefused, type Target } from '../../attacks/attack.ts'
import { RequestFailed } from '../../attacks/clients/wire.ts'
import { SEED_MAX } from '../../attacks/random.ts'
import { actTwin, detonate, type ObservedLab, type Run } from './detonate.ts'
import { judge } from './judge.ts'
import type { Verdict } from './scoreboard.ts'

export interface VerifyOptions {
  readonly lab: ObservedLab
  readonly attacks: readonly Attack[]
  readonly targets: readonly Target[]
  /** Of all of it; each detonation and each twin has one of its own below it. */
  readonly runId: string
  readonly seed: number
  /** Told of what happens, scenario by scenario. */
  readonly say: (scenario: string, text: string) => void
  readonly signal: AbortSignal
}

interface Pair {
  readonly attack: Attack
  readonly target: Target
  /** Short enough for a run id. */
  readonly number: number
}

/**
 * Detonates each attack and its twin on each target. One after the other where each alert comes at once; all together
 * where they wait for the same evaluation anyway.
 * @throws when the lab is lost, or the signal ends it
 */
export async function verify(options: VerifyOptions): Promise<Verdict[]> {
  const pairs = options.attacks
    .flatMap((attack) => options.targets.map((target) => ({ attack, target })))
    .filter(({ attack, target }) => attack.targets.includes(target.kind))
    .map((pair, at) => ({ ...pair, number: at + 1 }))
  if (options.lab.cadenceSeconds !== undefined) return Promise.all(pairs.map((pair) => holdsAtOnce(pair, options)))
  const verdicts: Verdict[] = []
  for (const pair of pairs) verdicts.push(await holdsInTurn(pair, options))
  return verdicts
}

async function holdsInTurn(pair: Pair, options: VerifyOptions): Promise<Verdict> {
  const startedAt = performance.now()
  const outcome = await attempt(() => detonate(runOf(pair, options), options.lab))
  const twin = await attempt(() => actTwin(twinRunOf(pair, options), options.lab))
  return told(judge({ ...findingsOf(pair, startedAt), outcome, twin }), options)
}

async function holdsAtOnce(pair: Pair, options: VerifyOptions): Promise<Verdict> {
  const startedAt = performance.now()
  const [outcome, twin] = await Promise.all([
    attempt(() => detonate(runOf(pair, options), options.lab)),
    attempt(() => actTwin(twinRunOf(pair, options), options.lab)),
  ])
  return told(judge({ ...findingsOf(pair, startedAt), outcome, twin }), options)
}

const findingsOf = ({ attack, target }: Pair, startedAt: number) => ({
  attack,
  target: target.kind,
  durationMs: performance.now() - startedAt,
})

const nameOf = ({ attack, target }: Pair): string => `${attack.slug} on ${target.kind}`

const runOf = (pair: Pair, { runId, seed, say, signal }: VerifyOptions): Run => ({
  attack: pair.attack,
  target: pair.target,
  runId: `${runId}-${pair.number}`,
  // Other people and other choices in each, and the same ones again for the same seed.
  seed: (seed + pair.number) % SEED_MAX,
  signal,
  tell: (who, what) => say(nameOf(pair), `${who}: ${what}`),
})

const twinRunOf = (pair: Pair, options: VerifyOptions): Run => ({
  ...runOf(pair, options),
  runId: `${options.runId}-${pair.number}-twin`,
  tell: (who, what) => options.say(`${nameOf(pair)}, twin`, `${who}: ${what}`),
})

/** A target that fails, or keeps out the innocent, is a finding; anything else is a fault of ours or of the lab. */
async function attempt<T>(act: () => Promise<T>): Promise<T | Error> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof RequestFailed || error instanceof BenignRefused) return error
    throw error
  }
}

function told(verdict: Verdict, { say }: VerifyOptions): Verdict {
  const { scenario, faults } = verdict
  say(`${scenario.slug} on ${scenario.target}`, scenario.ok ? 'holds' : `DOES NOT HOLD: ${faults.join('; ')}`)
  return verdict
}
