/** A line of a scenario's story. */
export interface NarratedLine {
  readonly text: string
  /** After the origin of the story; undefined before there is one. */
  readonly afterMs: number | undefined
}

/** Keeps the narration of verify, scenario by scenario. */
export class Narration {
  readonly #lines = new Map<string, NarratedLine[]>()

  add(scenario: string, text: string, afterMs: number | undefined): void {
    const lines = this.#lines.get(scenario) ?? []
    this.#lines.set(scenario, lines)
    lines.push({ text, afterMs })
  }

  /**
   * The lines of a scenario. Those with a time are sorted by it, because an effect may be reported before its cause, which arrives by another path.
   * @param scenario as verify names it: `session-reuse on web`, `session-reuse on web, twin`
   */
  of(scenario: string): readonly NarratedLine[] {
    const lines = this.#lines.get(scenario) ?? []
    const timed = lines.filter(({ afterMs }) => afterMs !== undefined)
    const inOrder = timed.toSorted((a, b) => (a.afterMs ?? 0) - (b.afterMs ?? 0))
    let next = 0
    return lines.map((line) => (line.afterMs === undefined ? line : (inOrder[next++] ?? line)))
  }
}
