import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inParallel } from '../../attacks/kit/parallel.ts'
import { type Part, startNode } from '../../lab/processes/part.ts'
import { unchecked } from '../../shared/unchecked.ts'
import type { Group, Row, Scenario } from './scenario.ts'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url))
const RUN = fileURLToPath(new URL('../../cli/run.mjs', import.meta.url))
/** The time that a worker has to stop its lab before it is killed. */
const STOP_MS = 20_000

/** What became of one scenario. */
export type Outcome =
  | { readonly kind: 'measured'; readonly scenario: Scenario; readonly row: Row; readonly ms: number }
  /** It could not be carried out, which is a failure too. */
  | { readonly kind: 'broken'; readonly scenario: Scenario; readonly why: string }
  | { readonly kind: 'skipped'; readonly scenario: Scenario; readonly why: string }

export interface RunOptions {
  readonly groups: readonly Group[]
  /** Names of scenarios; none means all. */
  readonly only: readonly string[]
  readonly seed: number
  readonly victims: number
  readonly dir: string
  readonly hostBundle: string
  /** How many labs at the same time. */
  readonly labs: number
  readonly say: (text: string) => void
  readonly signal: AbortSignal
}

/** Runs each group in a lab and a process of its own. @returns the outcomes in the order of the groups, those alone last */
export async function runGroups(options: RunOptions): Promise<{ outcomes: Outcome[]; redis: string | undefined }> {
  const { groups, only, labs } = options
  const wanted = groups.filter(({ scenarios }) => scenarios.some(({ name }) => isWanted(name, only)))
  const together = wanted.filter(({ alone }) => !alone)
  const results = await inParallel(together, labs, (group) => runGroup(group, options))
  for (const group of wanted.filter(({ alone }) => alone)) results.push(await runGroup(group, options))
  return { outcomes: results.flatMap(({ outcomes }) => outcomes), redis: results.find(({ redis }) => redis)?.redis }
}

const isWanted = (name: string, only: readonly string[]): boolean => only.length === 0 || only.includes(name)

async function runGroup(group: Group, options: RunOptions): Promise<{ outcomes: Outcome[]; redis?: string }> {
  const { only, seed, victims, dir, hostBundle, say, signal } = options
  const outcomes = new Map<string, Outcome>()
  const wanted = group.scenarios.filter(({ name }) => isWanted(name, only))
  let redis: string | undefined
  if (!signal.aborted) {
    const part = startNode({
      name: `lab ${group.name}`,
      script: RUN,
      args: [
        WORKER,
        ...['--group', group.name, '--dir', join(dir, group.name), '--root', PROJECT, '--host', hostBundle],
        ...['--seed', String(seed), '--victims', String(victims), ...only.flatMap((name) => ['--only', name])],
      ],
      env: { REDIS_SERVER: process.env.REDIS_SERVER, DEBUG: process.env.DEBUG },
    })
    part.onMessage((message) => {
      const report = unchecked<Report>(message)
      if (report.type === 'lab') redis = report.redis
      const scenario = wanted.find(({ name }) => name === report.name)
      const outcome = scenario && outcomeOf(report, scenario)
      if (outcome) outcomes.set(outcome.scenario.name, outcome)
      const words = wordsOf(report)
      if (words !== undefined) say(`${group.name}: ${words}`)
    })
    await untilEnded(part, signal)
    for (const scenario of wanted) {
      if (outcomes.has(scenario.name)) continue
      const why = `its lab ended before it was over${part.tail() ? `:\n${part.tail()}` : ''}`
      outcomes.set(scenario.name, { kind: 'broken', scenario, why })
    }
  }
  return { outcomes: wanted.flatMap(({ name }) => outcomes.get(name) ?? []), ...(redis !== undefined && { redis }) }
}

/** A message of a worker. */
interface Report {
  readonly type: 'lab' | 'log' | 'begun' | 'measured' | 'broken' | 'skipped' | 'done'
  readonly name?: string
  readonly redis?: string
  readonly text?: string
  readonly why?: string
  readonly row?: Row
  readonly ms?: number
}

function outcomeOf({ type, row, ms = 0, why = '' }: Report, scenario: Scenario): Outcome | undefined {
  if (type === 'measured' && row) return { kind: 'measured', scenario, row, ms }
  if (type === 'broken') return { kind: 'broken', scenario, why }
  return type === 'skipped' ? { kind: 'skipped', scenario, why } : undefined
}

function wordsOf({ type, name, text, why, row, redis, ms = 0 }: Report): string | undefined {
  const seconds = `${(ms / 1000).toFixed(1)} s`
  switch (type) {
    case 'lab':
      return `the lab is ready, with ${redis}`
    case 'log':
      return process.env.DEBUG || text?.startsWith('a victim') ? text : undefined
    case 'begun':
      return `${name} …`
    case 'measured': {
      const { lost, doubled, unreported, wronglyDead, wronglyAlive, healMs } = row ?? {}
      const healed = healMs == null ? 'not healed' : `healed in ${(healMs / 1000).toFixed(1)} s`
      return `${name}: lost ${lost}, doubled ${doubled}, unreported ${unreported}, wrongly dead ${wronglyDead}, wrongly alive ${wronglyAlive}, ${healed} (${seconds})`
    }
    case 'broken':
      return `${name}: could not be carried out: ${why} (${seconds})`
    case 'skipped':
      return `${name}: skipped: ${why}`
    default:
      return undefined
  }
}

async function untilEnded(part: Part, signal: AbortSignal): Promise<void> {
  const stop = () => void part.stop(STOP_MS)
  signal.addEventListener('abort', stop, { once: true })
  await part.ended
  signal.removeEventListener('abort', stop)
}
