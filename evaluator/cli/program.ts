import { InputError } from '../input-error.ts'
import { type Command, type Io, UsageError, unknownName } from './command.ts'
import { described, shown } from './output.ts'
import { reflowed } from './usage.ts'
import type { Verbs } from './verbs.ts'

/** A program with several verbs. */
export interface Program {
  /** The first line of the overview. */
  readonly usage: string
  readonly verbs: Verbs
  /** What `--version` prints. */
  readonly version?: string
  /** How a person types the verb: `alertproof replay`. */
  typed(verb: string): string
  /** The command that shows the usage of the verb, or of the program. */
  help(verb?: string): string
  /** Whether the verb must stop in order at a signal, by `Io.signal`. Others exit at once. */
  stopsInOrder?(verb: string): boolean
  /** Whether the verb does nothing but print, so that it ends when nobody reads its output. Others end with their verdict. */
  endsWithOutput?(verb: string, argv: readonly string[]): boolean
  /** Whether the verb goes on whatever happens to its output, because it holds processes that it must stop. */
  holdsProcesses?(verb: string): boolean
  /** Called at the second Ctrl-C, just before the exit. */
  kill?(): void
  /** What to print of an unexpected error; its message by default. */
  messageOf?(error: Error): string
}

/**
 * Runs the verb that the arguments name, and ends the process with its exit code: 0 holds, 1 does not hold, 2 unusable
 * arguments, 3 input that could not be read or output that could not be written.
 */
export async function runProgram(program: Program, argv: readonly string[]): Promise<never> {
  const code = await main(program, argv)
  // A pipe holds 64 KiB; an exit before its reader has taken the rest would lose it.
  await Promise.all([flush(process.stdout), flush(process.stderr)])
  process.exit(code)
}

/** Resolves when the reader has taken everything written so far and these bytes, or when the stream has failed. */
function flush(stream: NodeJS.WriteStream, bytes: Buffer | string = ''): Promise<void> {
  return new Promise((resolve) => void stream.write(bytes, () => resolve()))
}

async function main(program: Program, argv: readonly string[]): Promise<number> {
  const [verb, ...rest] = asked(argv)
  const io = terminal(program, verb ?? '', rest)
  if (verb === undefined) {
    io.err(await overview(program))
    return 2
  }
  if (verb === '--help' || verb === '-h') {
    io.out(await overview(program))
    return 0
  }
  if (verb === '--version' && program.version !== undefined) {
    const [extra] = rest
    if (extra !== undefined) {
      io.err(`${shown(`Unexpected argument "${extra}": --version takes none.`)}\n${usageHint(program.help())}`)
      return 2
    }
    io.out(`${program.version}\n`)
    return 0
  }
  const load = Object.hasOwn(program.verbs, verb) ? program.verbs[verb] : undefined
  if (!load) {
    io.err(`${shown(unknownName('command', verb, Object.keys(program.verbs)))}\n${usageHint(program.help())}`)
    return 2
  }
  const { command } = await load()
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(`${reflowed(command.usage.trimEnd())}\n`)
    return 0
  }
  return run(program, verb, command, rest, io)
}

/** `help` and `help VERB` are other words for `--help`. */
function asked([first, second, ...rest]: readonly string[]): readonly string[] {
  const isAsked = first === 'help'
  if (!isAsked) return [first, second, ...rest].filter((word) => word !== undefined)
  return second === undefined || second.startsWith('-') ? ['--help'] : [second, '--help']
}

async function run(program: Program, verb: string, command: Command, argv: readonly string[], io: Io): Promise<number> {
  try {
    return await runCommand(command, argv, io)
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`${shown(error.message)}\n${usageHint(program.help(verb))}`)
      return 2
    }
    io.err(`${textOf(error, program)}\n`)
    return 1
  }
}

/** Runs a verb. Input that cannot be read is reported on `io.err`, with exit code 3. @throws UsageError */
export async function runCommand(command: Command, argv: readonly string[], io: Io): Promise<number> {
  try {
    return await command.run(argv, io)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    // It may quote the name of a file or a text of the log, which anyone may have written.
    io.err(`${shown(error.message)}\n`)
    return 3
  }
}

function textOf(error: unknown, program: Program): string {
  if (!(error instanceof Error)) return String(error)
  if (process.env.DEBUG && error.stack !== undefined) return error.stack
  return program.messageOf?.(error) ?? error.message
}

function terminal(program: Program, verb: string, argv: readonly string[]): Io {
  const stopping = new AbortController()
  for (const signal of program.stopsInOrder?.(verb) ? (['SIGINT', 'SIGTERM', 'SIGHUP'] as const) : []) {
    process.on(signal, () => {
      // The second Ctrl-C ends without waiting for an orderly stop.
      if (stopping.signal.aborted && signal === 'SIGINT') {
        program.kill?.()
        process.exit(130)
      }
      stopping.abort(new Error(`stopped by ${signal}`))
    })
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `… | head` closes the pipe early, which is not a failure.
    if (error.code === 'EPIPE') {
      if (program.endsWithOutput?.(verb, argv)) process.exit(0)
      return
    }
    // A full disk is no verdict: 1 would say that something does not hold.
    process.stderr.write(`standard output cannot be written: ${error.message}\n`)
    if (program.holdsProcesses?.(verb)) return
    process.exit(3)
  })
  // The terminal may be closed while started processes still have to be stopped.
  process.stderr.on('error', () => {})
  return {
    out: (text) => void process.stdout.write(text),
    write: (bytes) => flush(process.stdout, bytes),
    err: (text) => void process.stderr.write(text),
    color: process.stderr.isTTY === true && !process.env.NO_COLOR,
    isTerminal: process.stdout.isTTY === true,
    width: process.stdout.isTTY ? process.stdout.columns : undefined,
    signal: stopping.signal,
  }
}

async function overview({ usage, verbs, typed }: Program): Promise<string> {
  const rows = await Promise.all(
    Object.entries(verbs).map(async ([verb, load]) => {
      const { command } = await load()
      return [`  ${typed(verb)}`, command.summary]
    }),
  )
  return `${usage}\n\n${described(rows)}\n\nEach command has --help.\n`
}

const usageHint = (command: string): string => `Run "${command}" for usage.\n`
