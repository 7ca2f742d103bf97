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
   * @throws UsageError for unusable arguments: printed with the usage, exit code 2
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

/** @returns `Unknown attack "x".` with the most similar known name, or with all of them if none is similar */
export function unknownName(kind: string, given: string, known: readonly string[]): string {
  const similar = known
    .map((name) => ({ name, distance: editDistance(given, name) }))
    .filter(({ distance }) => distance <= Math.max(1, given.length / 3))
    .sort((a, b) => a.distance - b.distance)
  const [nearest] = similar
  return `Unknown ${kind} "${given}". ${nearest ? `Did you mean "${nearest.name}"?` : `Known: ${known.join(', ')}.`}`
}

/** The least number of inserted, removed and replaced characters (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (const [i, a] of [...from].entries()) {
    const next = [i + 1]
    for (const [j, b] of [...to].entries()) {
      const replaced = (row[j] ?? 0) + (a === b ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
