import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import {
  type Command,
  columns,
  counted,
  type Io,
  json,
  paint,
  readArguments,
  reasonOf,
  UsageError,
} from 'alertproof/cli'
import { SEED_MAX } from '../../attacks/kit/random.ts'
import { ctfdCsv } from '../../proof/exercise/ctfd.ts'
import { commandNamed } from '../command-named.ts'
import { loadExercises } from '../exercise/exercises.ts'
import { gradeExercise, NoExercise, type Report } from '../exercise/grade.ts'
import { wholeNumber } from '../verify/arguments.ts'

const USAGE = `Usage: npm run exercise -- grade [--seed N] [--json] [--dir DIR]
       npm run exercise -- export --ctfd FILE [--seeds FROM-TO]

An exercise is a lab in which one monitor has a fault: an @ is left out, a facet is the wrong one, or a threshold is.
\`npm start -- --exercise SEED\` starts it; the seed chooses the fault. Find it with the console, the attacks and
\`npm run alertproof -- explain\`, and repair the file in .lab/exercise/detections: the running lab reads it anew.

  grade   judge the repair: the cases of the detection (40 % of the points), its attack and its twin in the running lab (40 %),
          its mutants (10 %), and the cases of all other detections (10 %). Until the cases hold, nothing earns points. A dropped
          @ is worth 100 points, a wrong facet 200, a threshold 300
  export  write one challenge per seed as CTFd imports it (CSV, "challenges"), with the flag that grade prints when it is solved

Options:
  --seed N        grade: fail unless the lab runs this exercise
  --json          grade: print one JSON document on stdout
  --dir DIR       grade: the lab's directory (default .lab)
  --ctfd FILE     export: the file to write
  --seeds FROM-TO export: the exercises (default 1-10; at most 1000)
  --help          this text

Environment:
  EXERCISE_KEY  signs the flags. Set the same one for export and grade; without it, anybody who reads this project can compute them

Exit code: 0 if the exercise is solved or the file is written, 1 if not, 2 for unusable arguments.

Examples:
  npm start -- --exercise 7
  npm run exercise -- grade
  npm run exercise -- export --ctfd challenges.csv --seeds 1-20
`

export const command: Command = {
  name: 'exercise',
  summary: 'grade the repair of a broken detection, and export exercises for CTFd',
  usage: USAGE,
  async run(argv, io) {
    const [verb, ...rest] = argv
    return { grade, export: exportSeeds }[commandNamed(verb, ['grade', 'export'])](rest, io)
  },
}

const DEFAULT_KEY = 'mini-ato-saas'
const keyOf = (): string => process.env.EXERCISE_KEY || DEFAULT_KEY

async function grade(argv: readonly string[], io: Io): Promise<number> {
  const { values } = readArguments({
    args: [...argv],
    options: {
      seed: { type: 'string' },
      json: { type: 'boolean', default: false },
      dir: { type: 'string', default: '.lab' },
    },
  })
  const seed = values.seed === undefined ? undefined : wholeNumber('--seed', values.seed, 0, SEED_MAX)
  try {
    const report = await gradeExercise({
      ...{ dir: resolve(values.dir), seed, key: keyOf(), signal: io.signal },
      say: (text) => io.err(`${text}\n`),
    })
    if (values.json) json(io, report)
    else io.out(table(report, io))
    return report.solved ? 0 : 1
  } catch (error) {
    if (!(error instanceof NoExercise)) throw error
    io.err(`${error.message}\n`)
    return 1
  }
}

const NAMES: Readonly<Record<string, string>> = {
  cases: 'its cases',
  verify: 'attack and twin',
  mutants: 'its mutants',
  others: 'other detections',
}

function table({ exercise, checks, points, out_of, solved, flag, answer }: Report, io: Io): string {
  const head = ['', 'check', 'points', ''].map((word) => paint(io, 'bold', word))
  const rows = checks.map(({ check, ok, points: earned, out_of: most, detail }) => [
    ok ? paint(io, 'green', 'ok') : paint(io, 'red', 'no'),
    NAMES[check] ?? check,
    `${earned} of ${most}`,
    detail,
  ])
  const result = `Exercise ${exercise}: ${points} of ${counted(out_of, 'point')}${solved ? ', solved' : ''}`
  const found = answer ? `${answer.detection} had: ${answer.fault}\nFlag: ${flag}\n` : ''
  return `${columns([head, ...rows])}\n\n${paint(io, solved ? 'green' : 'red', result)}\n${found}`
}

const MOST_CHALLENGES = 1000

async function exportSeeds(argv: readonly string[], io: Io): Promise<number> {
  const { values } = readArguments({
    args: [...argv],
    options: { ctfd: { type: 'string' }, seeds: { type: 'string', default: '1-10' } },
  })
  if (values.ctfd === undefined) throw new UsageError('Missing --ctfd FILE: the file to write.')
  const seeds = seedsOf(values.seeds)
  const exercises = await loadExercises()
  const challenges = seeds.map((seed) => ({ seed, fault: exercises.faultOf(seed) }))
  await writeFile(values.ctfd, ctfdCsv(challenges, keyOf()), { mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOENT' ? 'there is no such folder' : reasonOf(error)
    throw new Error(`${values.ctfd} cannot be written: ${reason}`)
  })
  io.err(
    `${counted(challenges.length, 'challenge')} for CTFd in ${values.ctfd}: Admin Panel, Config, Import & Export, CSV.\n`,
  )
  if (!process.env.EXERCISE_KEY) {
    io.err('EXERCISE_KEY is not set: anybody who reads this project can compute the flags.\n')
  }
  return 0
}

/** @throws UsageError unless it is one seed, or two with a dash between them */
function seedsOf(text: string): number[] {
  const [, from = '', to = from] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? []
  if (from === '') throw new UsageError(`--seeds ${text}: must be a seed or FROM-TO, such as 1-10`)
  const first = wholeNumber('--seeds', from, 0, SEED_MAX)
  const last = wholeNumber('--seeds', to, 0, SEED_MAX)
  const count = last - first + 1
  if (count < 1) throw new UsageError(`--seeds ${text}: must not end before it begins`)
  if (count > MOST_CHALLENGES)
    throw new UsageError(`--seeds ${text}: names ${count} exercises; at most ${MOST_CHALLENGES}`)
  return Array.from({ length: count }, (_, i) => first + i)
}
