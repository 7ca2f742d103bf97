import { type ParseArgsConfig, parseArgs } from 'node:util'
import { distance } from 'fastest-levenshtein'

/** A verb of the command line. Its module is loaded only when the verb is used. */
export interface Command {
  readonly name: string
  /** One line, shown in the overview of all commands. */
  readonly summary: string
  /** The text of `--help`: forms, options with their defaults, examples. */
  readonly usage: string
  /**
   * @param argv the arguments after the verb
   * @returns the exit code: 0 for success, 1 for a failed check
   * @throws UsageError for unusable arguments: printed with the command that shows the usage, exit code 2
   */
  run(argv: readonly string[], io: Io): Promise<number>
}

/** Where a verb writes: results to `out`, progress and messages to `err`. */
export interface Io {
  out(text: string): void
  /** Writes bytes to `out`, for results of any size. Resolves when the reader has taken them. */
  write?(bytes: Buffer): Promise<void>
  err(text: string): void
  readonly color: boolean
  /** Whether results are shown by a terminal, which obeys control characters. */
  readonly isTerminal?: boolean
  /** Its width in columns. */
  readonly width?: number | undefined
  readonly signal: AbortSignal
}

/** Unusable arguments. `message` names the argument, the fault and the accepted values. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** @throws UsageError naming the option, unless `text` is a whole number within the bounds */
export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new UsageError(`${name} ${text}: must be a whole number from ${min} to ${max}`)
}

/**
 * Reads the arguments of a verb, as `parseArgs` of Node does.
 * @throws UsageError naming the argument that the verb does not take, and what it takes instead
 */
export function readArguments<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  const { args = [], options = {} } = config
  const { tokens } = parseArgs({ args, options, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind === 'positional' && !config.allowPositionals) {
      throw new UsageError(`Unexpected argument "${token.value}": only options are taken here.`)
    }
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    const option = Object.hasOwn(options, name) ? options[name] : undefined
    if (!option) throw new UsageError(unknownName('option', rawName, optionNames(options)))
    if (option.type === 'boolean' && value !== undefined) {
      throw new UsageError(`${rawName} takes no value: leave out "${value}".`)
    }
    if (option.type === 'string' && value?.trim() === '') {
      throw new UsageError(`${rawName} needs a value, and this one is empty.`)
    }
    if (option.type === 'string' && value === undefined) {
      throw new UsageError(`${rawName} needs a value: write ${rawName} VALUE.`)
    }
    if (option.type === 'string' && value?.startsWith('-') && value !== '-' && !inlineValue) {
      throw new UsageError(`${rawName} needs a value. If "${value}" is its value, write ${rawName}=${value}.`)
    }
  }
  return parseArgs(config)
}

function optionNames(options: object): string[] {
  return [...new Set([...Object.keys(options), 'help'])].map((name) => `--${name}`)
}

/** @returns `Unknown attack "x".` with the most similar known name, or with all of them if none is similar */
export function unknownName(kind: string, given: string, known: readonly string[]): string {
  const nearest = similarName(given, known)
  return `Unknown ${kind} "${given}". ${nearest === undefined ? `Known: ${known.join(', ')}.` : `Did you mean "${nearest}"?`}`
}

/** The nearest known name, if at most a third of the characters differ, or two in a short word (two swapped letters). */
export function similarName(given: string, known: readonly string[]): string | undefined {
  const mostEdits = given.length <= 3 ? 1 : Math.max(2, given.length / 3)
  const similar = known
    .map((name) => ({ name, edits: distance(given, name) }))
    .filter(({ edits }) => edits <= mostEdits)
    .sort((a, b) => a.edits - b.edits)
  return similar[0]?.name
}
