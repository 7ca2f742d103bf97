import { InputError } from '../../input-error.ts'
import { printable, columns as table } from '../output.ts'
import type { Column } from './columns.ts'
import { type DatedLog, jsonLine, type Printer } from './printer.ts'

const MAX_GROUPS = 200_000
/** Shown where a log lacks the field. */
const NONE = '-'
const NOTHING = Buffer.alloc(0)

interface Tallied {
  /** One for each field; undefined where a log lacks it. */
  readonly values: readonly (string | undefined)[]
  count: number
}

/** How many logs there are for each combination of values. A log with several values of a field counts for each of them. */
export class Tally {
  readonly #by: readonly Column[]
  readonly #most: number
  readonly #groups = new Map<string, Tallied>()

  /** @param most groups */
  constructor(by: readonly Column[], most = MAX_GROUPS) {
    this.#by = by
    this.#most = most
  }

  /** @throws InputError beyond the most groups */
  add(log: DatedLog): void {
    for (const values of this.#combinations(log)) {
      const key = JSON.stringify(values)
      const group = this.#groups.get(key)
      if (group) group.count++
      else if (this.#groups.size < this.#most) this.#groups.set(key, { values, count: 1 })
      else throw this.#tooMany()
    }
  }

  /** A log with long lists in several fields has more combinations than fit into memory. */
  #combinations(log: DatedLog): (string | undefined)[][] {
    let all: (string | undefined)[][] = [[]]
    for (const column of this.#by) {
      const values = column.valuesOf(log)
      const each = values.length === 0 ? [undefined] : values
      if (all.length * each.length > this.#most) throw this.#tooMany()
      all = all.flatMap((before) => each.map((value) => [...before, value]))
    }
    return all
  }

  #tooMany(): InputError {
    return new InputError(`--by: more than ${this.#most.toLocaleString('en')} groups; group by fewer fields`)
  }

  /** The most frequent first, and then by the values. */
  list(): Tallied[] {
    const sorted = [...this.#groups].sort(([a, one], [b, other]) => other.count - one.count || (a < b ? -1 : 1))
    return sorted.map(([, group]) => group)
  }
}

/**
 * How many matches there are, or how many for each combination of values, the most frequent first.
 * @throws InputError beyond 200,000 groups
 */
export function countsOf(by: readonly Column[], asJson: boolean): Printer {
  const tally = new Tally(by)
  return {
    add: (log) => tally.add(log),
    take: () => NOTHING,
    end() {
      const found = tally.list()
      if (by.length === 0) {
        const count = found[0]?.count ?? 0
        return asJson ? jsonLine({ count }) : Buffer.from(`${count}\n`)
      }
      if (asJson) return Buffer.concat(found.map(({ values, count }) => jsonLine({ by: named(by, values), count })))
      if (found.length === 0) return NOTHING
      const rows = found.map(({ values, count }) => [
        String(count),
        ...values.map((value) => (value === undefined ? NONE : printable(value))),
      ])
      return Buffer.from(`${table([['count', ...by.map(({ name }) => name)], ...rows])}\n`)
    },
  }
}

const named = (by: readonly Column[], values: readonly (string | undefined)[]) =>
  Object.fromEntries(by.map(({ name }, i) => [name, values[i] ?? null]))
