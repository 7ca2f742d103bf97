/** What every verb of the command line is: one record, loaded only when it is asked for. */
export interface Command {
  readonly name: string
  /** One line, shown by `--help` of the whole command line. */
  readonly summary: string
  /** The verb's own help, whole: forms, options with their defaults, examples. */
  readonly usage: string
  /**
   * @param argv what follows the verb
   * @returns the exit code: 0 done, 1 something did not hold
   * @throws UsageError when the words are off: printed with the usage, exit code 2
   */
  run(argv: readonly string[], io: Io): Promise<number>
}

/** Where a verb writes: results on `out`, everything a person reads meanwhile on `err`; both testable. */
export interface Io {
  out(text: string): void
  /** Writes bytes on `out`, for results of any size. Resolves when they were taken: a slow reader is waited for. */
  write?(bytes: Buffer): Promise<void>
  err(text: string): void
  readonly color: boolean
  readonly signal: AbortSignal
}

/** The words on the command line do not fit; `message` says which, and what would. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** @throws UsageError naming the option, when `text` is no whole number within the bounds */
export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new UsageError(`${name} ${text}: must be a whole number from ${min} to ${max}`)
}
