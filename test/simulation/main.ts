import { readArguments, reflowed, UsageError, unknownName, wholeNumber } from 'alertproof/cli'
import { bugs } from './bugs.ts'
import { runBatches } from './processes.ts'
import { runSchedule } from './schedule.ts'

/** The number that one run of CI tries. */
const SCHEDULES = 100_000
const FIRST_SEED = 1
/** The largest seed and number of schedules. */
const MAX_NUMBER = 999_999_999
/** Failing seeds that are printed. */
const SHOWN = 10

const USAGE = `Usage: npm run test:simulation -- [--schedules N] [--seed S] [--bug NAME]

Runs the containment path over stores in memory, under faults that each seed chooses.
  --schedules N  how many seeds, from the first one on (${SCHEDULES})
  --seed S       the first seed (${FIRST_SEED}); without --schedules only this one, with its trace
  --bug NAME     add a known bug and run until it is found: ${Object.keys(bugs).join(', ')}

Exit code: 0 if everything holds, or the bug was found; 1 if not; 2 for unusable arguments.
`

interface Options {
  schedules: number | undefined
  seed: number
  bug: string | undefined
}

function readOptions(args: string[]): Options {
  const { values } = readArguments({
    args,
    options: {
      schedules: { type: 'string' },
      seed: { type: 'string' },
      bug: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const { bug } = values
  const number = (name: 'schedules' | 'seed', least: number) => {
    const text = values[name]
    return text === undefined ? undefined : wholeNumber(`--${name}`, text, least, MAX_NUMBER)
  }
  const [schedules, seed] = [number('schedules', 1), number('seed', 0)]
  if (bug !== undefined && !Object.hasOwn(bugs, bug)) throw new UsageError(unknownName('bug', bug, Object.keys(bugs)))
  const isReplay = seed !== undefined && schedules === undefined && bug === undefined
  return { seed: seed ?? FIRST_SEED, bug, schedules: isReplay ? undefined : (schedules ?? SCHEDULES) }
}

async function main(args: string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(reflowed(USAGE))
    return 0
  }
  const { schedules, seed, bug } = readOptions(args)
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
  const tenthOf = (done: number) => Math.floor((done * 10) / schedules)
  let tenths = 0
  let printed = 0
  const { done, steps, failures } = await runBatches({ from: seed, to: seed + schedules, bug }, (progress) => {
    const { done, failures } = progress
    for (const { seed, violations } of failures.slice(printed, SHOWN)) {
      process.stdout.write(`Seed ${seed}: ${violations.join('; ')}\n`)
    }
    printed = failures.length
    if (tenthOf(done) > tenths) {
      tenths = tenthOf(done)
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

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\nRun "npm run test:simulation -- --help" for usage.\n`)
  process.exitCode = 2
}
