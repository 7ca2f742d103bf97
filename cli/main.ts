import { killAll } from '../lab/processes/part.ts'
import { StoreAway } from '../shared/stores/away.ts'
import { type Command, type Io, UsageError } from './command.ts'
import { columns } from './output.ts'

/** Each verb is loaded when it is asked for: `search` need not wait for what `start` needs. */
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
/** The names under which npm runs them, where these differ. */
const NPM_NAMES: Partial<Record<Verb, string>> = {
  start: 'start',
  mutants: 'run test:mutants --',
  stores: 'run lab:stores',
  reset: 'run lab:reset',
}

/** They hold processes, and end in an orderly way or not at all: a reader who has seen enough does not stop them. */
const HOLDERS: readonly string[] = ['start', 'stores', 'verify']

/** They only read and compute, for as long as they have something to: who stops them stops them at once. */
const READERS: readonly string[] = ['replay', 'search', 'corpus', 'mutants']

const code = await main(process.argv.slice(2))
// A pipe takes 64 KiB at once: what its reader has not come to yet would be lost without a word.
await Promise.all([taken(process.stdout), taken(process.stderr)])
process.exit(code)

/** When everything written so far and these bytes have been taken, or never will be. */
function taken(stream: NodeJS.WriteStream, bytes: Buffer | string = ''): Promise<void> {
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
    io.err(`There is no command ${verb}.\n\n${await overview()}`)
    return 2
  }
  const command = await load(verb)
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(`${command.usage.trimEnd()}\n`)
    return 0
  }
  return run(command, rest, io)
}

async function run(command: Command, argv: readonly string[], io: Io): Promise<number> {
  try {
    return await command.run(argv, io)
  } catch (error) {
    if (error instanceof UsageError || isParseArgsError(error)) {
      io.err(`${error.message}\n\n${command.usage.trimEnd()}\n`)
      return 2
    }
    io.err(`${error instanceof Error ? (process.env.DEBUG ? error.stack : saidBy(error)) : String(error)}\n`)
    return 1
  }
}

/** Of a store that cannot be used, with the reason. Other causes may quote what their message hides. */
function saidBy(error: Error): string {
  const { cause, message } = error
  return error instanceof StoreAway && cause instanceof Error ? `${message}: ${cause.message}` : message
}

function terminal(verb: string): Io {
  const holdsProcesses = HOLDERS.includes(verb)
  const stopping = new AbortController()
  for (const signal of READERS.includes(verb) ? [] : (['SIGINT', 'SIGTERM', 'SIGHUP'] as const)) {
    process.on(signal, () => {
      // Asked twice: whoever asks does not want to wait for an orderly end.
      if (stopping.signal.aborted && signal === 'SIGINT') {
        killAll()
        process.exit(130)
      }
      stopping.abort(new Error(`stopped by ${signal}`))
    })
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `… | head` has read enough; that is no failure.
    if (!holdsProcesses) process.exit(error.code === 'EPIPE' ? 0 : 1)
  })
  // A terminal that was closed takes no more words, and what was started must still be stopped.
  process.stderr.on('error', () => {})
  return {
    out: (text) => void process.stdout.write(text),
    write: (bytes) => taken(process.stdout, bytes),
    err: (text) => void process.stderr.write(text),
    color: process.stderr.isTTY === true && !process.env.NO_COLOR,
    signal: stopping.signal,
  }
}

async function load(verb: Verb): Promise<Command> {
  const { command } = (await import(`./verbs/${verb}.ts`)) as { command: Command }
  return command
}

async function overview(): Promise<string> {
  const commands = await Promise.all(VERBS.map((verb) => load(verb).catch(() => undefined)))
  const rows = VERBS.map((verb, i) => [`  npm ${NPM_NAMES[verb] ?? `run ${verb} --`}`, commands[i]?.summary ?? ''])
  return `Usage: npm run <command> [-- <arguments>]\n\n${columns(rows)}\n\nEach has --help.\n`
}

function isVerb(text: string): text is Verb {
  return (VERBS as readonly string[]).includes(text)
}

/** What `parseArgs` throws for an option that does not exist. */
function isParseArgsError(error: unknown): error is Error {
  return error instanceof Error && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS_')
}
