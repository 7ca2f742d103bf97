/** A change of a monitor or a rule, as a report shows it. */
export interface ShownChange {
  /** Epoch ms. */
  readonly at: number
  readonly transition: string
  readonly group: Readonly<Record<string, string>>
  readonly value: number
  /** Of a signal. */
  readonly severity?: string
}

/** What a report lists of one monitor or rule. */
export interface ChangesOf {
  readonly first: readonly ShownChange[]
  readonly count: number
  readonly alerts: number
}

const MOST_LISTED = 100
const NO_CHANGES: ChangesOf = { first: [], count: 0, alerts: 0 }

/** The first changes of each monitor and rule, and their number. */
export class ChangeList {
  readonly #found = new Map<object, { first: ShownChange[]; count: number; alerts: number }>()

  add(subject: object, change: ShownChange): void {
    const own = this.#found.get(subject) ?? { first: [], count: 0, alerts: 0 }
    this.#found.set(subject, own)
    own.count++
    if (change.transition === 'Triggered') own.alerts++
    if (own.first.length < MOST_LISTED) own.first.push(change)
  }

  /** @param subject the monitor or the rule */
  of(subject: object): ChangesOf {
    return this.#found.get(subject) ?? NO_CHANGES
  }
}
