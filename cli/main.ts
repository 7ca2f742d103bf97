import { killAll } from '../lab/processes/part.ts'
import { StoreAway } from '../shared/stores/away.ts'
import { type Command, type Io, UsageError, unknownName } from './command.ts'
import { columns } from './output.ts'

/** Each verb's module is loaded on use, so that `search` does not load the dependencies of `start`. */
const VERBS = [
  'start',
  'attack',
  'verify',
  'replay',
  'search',
  'contain',
  'detections',
  'mutants',
  'corpus',
  'stores',
  'reset',
] as const
type Verb = (typeof VERBS)[number]
/** The npm commands that are not `npm run` and the verb. */
const NPM_COMMANDS: Partial<Record<Verb, string>> = {
  start: 'npm start',
  mutants: 'npm run test:mutants',
  stores: 'npm run lab:stores',
  reset: 'npm run lab:reset',
}

/** These hold processes that must be stopped in order, so a closed stdout does not end them. */
const HOLDERS: readonly string[] = ['start', 'stores', 'verify']

/** These only read and compute, so they exit at once on a signal. */
const READERS: readonly string[] = ['replay', 'search', 'corpus', 'mutants']

const code = await main(process.argv.slice(2))
// A pipe holds 64 KiB; an exit before its reader has taken the rest would lose it.
await Promise.all([flush(process.stdout), flush(process.stderr)])
process.exit(code)

/** Resolves when the reader has taken everything written so far and these bytes, or when the stream has failed. */
function flush(stream: NodeJS.WriteStream, bytes: Buffer | string = ''): Promise<void> {
  return new Promise((resolve) => void stream.write(bytes, () => resolve()))
}

async function main(argv: readonly string[]): Promise<number> {
  const [verb, ...rest] = argv
  const io = terminal(verb ?? '')
  if (verb === undefined || verb === '--help' || verb === '-h') {
    io.out(await overview())
    return verb === undefined ? 2 : 0
  }
  if (!isVerb(verb)) {
    io.err(`${unknownName('command', verb, VERBS)}\n${usageHint('node cli/run.mjs cli/main.ts')}`)
    return 2
  }
  const command = await load(verb)
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(`${command.usage.trimEnd()}\n`)
    return 0
  }
  return run(verb, command, rest, io)
}

async function run(verb: Verb, command: Command, argv: readonly string[], io: Io): Promise<number> {
  try {
    return await command.run(argv, io)
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`${error.message}\n${usageHint(`${npmCommand(verb)} --`)}`)
      return 2
    }
    io.err(`${error instanceof Error ? (process.env.DEBUG ? error.stack : messageOf(error)) : String(error)}\n`)
    return 1
  }
}

/** Adds the cause for a store that cannot be reached. Other causes are left out because they may quote secrets. */
function messageOf(error: Error): string {
  const { cause, message } = error
  return error instanceof StoreAway && cause instanceof Error ? `${message}: ${cause.message}` : message
}

function terminal(verb: string): Io {
  const holdsProcesses = HOLDERS.includes(verb)
  const stopping = new AbortController()
  for (const signal of READERS.includes(verb) ? [] : (['SIGINT', 'SIGTERM', 'SIGHUP'] as const)) {
    process.on(signal, () => {
      // The second Ctrl-C ends without waiting for an orderly stop.
      if (stopping.signal.aborted && signal === 'SIGINT') {
        killAll()
        process.exit(130)
      }
      stopping.abort(new Error(`stopped by ${signal}`))
    })
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `… | head` closes the pipe early, which is not a failure.
    if (!holdsProcesses) process.exit(error.code === 'EPIPE' ? 0 : 1)
  })
  // The terminal may be closed while started processes still have to be stopped.
  process.stderr.on('error', () => {})
  return {
    out: (text) => void process.stdout.write(text),
    write: (bytes) => flush(process.stdout, bytes),
    err: (text) => void process.stderr.write(text),
    color: process.stderr.isTTY === true && !process.env.NO_COLOR,
    signal: stopping.signal,
  }
}

async function load(verb: Verb): Promise<Command> {
  const { command }: { command: Command } = await import(`./verbs/${verb}.ts`)
  return command
}

async function overview(): Promise<string> {
  const commands = await Promise.all(VERBS.map((verb) => load(verb).catch(() => undefined)))
  const rows = VERBS.map((verb, i) => [`  ${npmCommand(verb)}`, commands[i]?.summary ?? ''])
  return `Usage: npm run <command> [-- <arguments>]\n\n${columns(rows)}\n\nThe options of a command: npm run <command> -- --help\n`
}

function isVerb(text: string): text is Verb {
  return VERBS.some((verb) => verb === text)
}

function npmCommand(verb: Verb): string {
  return NPM_COMMANDS[verb] ?? `npm run ${verb}`
}

function usageHint(program: string): string {
  return `Run "${program} --help" for usage.\n`
}
