import { endsWithOutput, runProgram, type Verbs } from 'alertproof/cli'
import { killAll } from '../lab/processes/part.ts'
import { StoreUnavailable } from '../shared/stores/unavailable.ts'

/** Each verb's module is loaded on use, so that `search` does not load the dependencies of `start`. */
const verbs: Verbs = {
  start: () => import('./verbs/start.ts'),
  attack: () => import('./verbs/attack.ts'),
  verify: () => import('./verbs/verify.ts'),
  replay: () => import('./verbs/replay.ts'),
  search: () => import('./verbs/search.ts'),
  contain: () => import('./verbs/contain.ts'),
  exercise: () => import('./verbs/exercise.ts'),
  detections: () => import('./verbs/detections.ts'),
  mutants: () => import('./verbs/mutants.ts'),
  corpus: () => import('./verbs/corpus.ts'),
  planted: () => import('./verbs/planted.ts'),
  stores: () => import('./verbs/stores.ts'),
  reset: () => import('./verbs/reset.ts'),
}

/** The npm commands that are not `npm run` and the verb. */
const NPM_COMMANDS: Readonly<Record<string, string>> = {
  start: 'npm start',
  mutants: 'npm run test:mutants',
  stores: 'npm run lab:stores',
  reset: 'npm run lab:reset',
}

/** These hold processes that must be stopped in order, so an output that fails does not end them. */
const HOLDERS: readonly string[] = ['start', 'stores', 'verify']

/** These only read and compute, so they exit at once on a signal. */
const READERS: readonly string[] = ['replay', 'search', 'corpus', 'mutants', 'planted']

const npmCommand = (verb: string): string => NPM_COMMANDS[verb] ?? `npm run ${verb}`

await runProgram(
  {
    usage: 'Usage: npm run <command> [-- <arguments>]',
    verbs,
    typed: npmCommand,
    help: (verb) => (verb === undefined ? 'node cli/run.mjs cli/main.ts --help' : `${npmCommand(verb)} -- --help`),
    stopsInOrder: (verb) => !READERS.includes(verb),
    endsWithOutput,
    holdsProcesses: (verb) => HOLDERS.includes(verb),
    kill: killAll,
    messageOf,
  },
  process.argv.slice(2),
)

/** Adds the cause for a store that cannot be reached. Other causes are left out because they may quote secrets. */
function messageOf(error: Error): string {
  const { cause, message } = error
  return error instanceof StoreUnavailable && cause instanceof Error ? `${message}: ${cause.message}` : message
}
