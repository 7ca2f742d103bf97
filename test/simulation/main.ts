import { parseArgs } from 'node:util'
import { bugs } from './bugs.ts'
import { runBatches } from './processes.ts'
import { runSchedule } from './schedule.ts'

/** As many as one run of CI tries. */
const SCHEDULES = 100_000
const FIRST_SEED = 1
/** Failing seeds that are printed. */
const SHOWN = 10

const HELP = `npm run test:simulation -- [--schedules N] [--seed S] [--bug NAME]

Runs the containment path over stores in memory, under faults that each seed chooses.
  --schedules N  how many seeds, from the first one on (${SCHEDULES})
  --seed S       the first seed (${FIRST_SEED}); without --schedules only this one, with its trace
  --bug NAME     with a known bug, until it is found: ${Object.keys(bugs).join(', ')}

Exit codes: 0 everything holds, or the bug was found; 1 it does not, or was not; 2 usage.
`

interface Options {
  schedules: number | undefined
  seed: number
  bug: string | undefined
}

function readOptions(args: string[]): Options | string {
  const natural = (text: string | undefined) =>
    text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
  try {
    const { values } = parseArgs({
      args,
      options: { ...{ schedules: { type: 'string' }, seed: { type: 'string' }, bug: { type: 'string' } } } as const,
    })
    const { bug } = values
    const [schedules, seed] = [natural(values.schedules), natural(values.seed)]
    if (values.schedules !== undefined && !schedules) return '--schedules takes a positive whole number.'
    if (values.seed !== undefined && seed === undefined) return '--seed takes a whole number.'
    if (bug !== undefined && !Object.hasOwn(bugs, bug)) return `Unknown bug "${bug}". See --help.`
    const isReplay = seed !== undefined && schedules === undefined && bug === undefined
    return { seed: seed ?? FIRST_SEED, bug, schedules: isReplay ? undefined : (schedules ?? SCHEDULES) }
  } catch (error) {
    return `${(error as Error).message.split('. ')[0]}. See --help.`
  }
}

async function main(args: string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(HELP)
    return 0
  }
  const options = readOptions(args)
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n`)
    return 2
  }
  const { schedules, seed, bug } = options
  return schedules === undefined ? replay(seed, bug) : runAll({ schedules, seed, bug })
}

/** One schedule, step by step. */
async function replay(seed: number, bug?: string): Promise<number> {
  const { trace, violations, steps } = await runSchedule(seed, { trace: true, bug: bug ? bugs[bug] : undefined })
  process.stdout.write(`${trace.join('\n')}\n`)
  for (const violation of violations) process.stdout.write(`VIOLATION ${violation}\n`)
  process.stdout.write(`Seed ${seed}: ${steps} steps, ${violations.length} violations.\n`)
  return violations.length > 0 ? 1 : 0
}

async function runAll({ schedules, seed, bug }: Options & { schedules: number }): Promise<number> {
  const startedAt = performance.now()
  const seconds = () => Math.round((performance.now() - startedAt) / 1000)
  const isTold = (done: number) => Math.floor((done * 10) / schedules)
  let tenths = 0
  let told = 0
  const { done, steps, failures } = await runBatches({ from: seed, to: seed + schedules, bug }, (progress) => {
    const { done, failures } = progress
    for (const { seed, violations } of failures.slice(told, SHOWN)) {
      process.stdout.write(`Seed ${seed}: ${violations.join('; ')}\n`)
    }
    told = failures.length
    if (isTold(done) > tenths) {
      tenths = isTold(done)
      process.stderr.write(`${done} of ${schedules} schedules, ${failures.length} violated, ${seconds()} s\n`)
    }
    return bug === undefined || failures.length === 0
  })
  failures.sort((a, b) => a.seed - b.seed)
  const [first] = failures
  if (first) {
    process.stdout.write(`Replay it: npm run test:simulation -- --seed ${first.seed}\n`)
    if (bug === undefined) await replay(first.seed)
  }
  process.stdout.write(`${done} schedules, ${steps} steps, ${failures.length} violated, ${seconds()} s.\n`)
  return (bug === undefined) === (failures.length === 0) ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
