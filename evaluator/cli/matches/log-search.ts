import { compileNode, type LogPredicate, parseSearch } from '../../search/search.ts'
import { SilentTerms } from '../../search/silent-terms.ts'
import { type Slip, slipsIn } from '../../search/slips.ts'
import { type Column, readColumns, summary } from './columns.ts'
import { Tally } from './counts.ts'
import type { DatedLog } from './printer.ts'

export interface LogSearchOptions {
  /** Fields with commas; without them the time, the service and a summary are shown. */
  readonly columns?: string | undefined
  /** Fields with commas by which matches are counted. */
  readonly by?: string | undefined
  /** How many groups are counted, at most. */
  readonly mostGroups?: number
}

/** Searches logs one by one as the verb `search` does, for a program that shows what was found itself. */
export class LogSearch {
  /** The names of the columns. */
  readonly columns: readonly string[]
  /** How many logs match. */
  matched = 0
  readonly #matches: LogPredicate
  readonly #columns: readonly Column[]
  readonly #tally: Tally | undefined
  readonly #silent: SilentTerms
  readonly #slips: readonly Slip[]

  /** @throws SearchSyntaxError for the query @throws UsageError for a name that no field can have */
  constructor(query: string, { columns, by, mostGroups }: LogSearchOptions = {}) {
    const { node } = parseSearch(query)
    const counted = by === undefined ? undefined : readColumns('by', by)
    this.#matches = compileNode(node)
    this.#columns =
      columns === undefined ? [...readColumns('columns', 'time,service'), summary] : readColumns('columns', columns)
    this.#tally = counted && new Tally(counted, mostGroups)
    const facets = [...this.#columns, ...(counted ?? [])].flatMap(({ field }) => field ?? [])
    this.#silent = new SilentTerms([{ node, facets }])
    this.#slips = slipsIn(node)
    this.columns = this.#columns.map(({ name }) => name)
  }

  /** @returns whether the log matches @throws InputError beyond the most groups */
  take(log: DatedLog): boolean {
    this.#silent.observe(log)
    if (!this.#matches(log)) return false
    this.matched++
    this.#tally?.add(log)
    return true
  }

  /** What a log has in each column. */
  cellsOf(log: DatedLog): string[] {
    return this.#columns.map((column) => column.valuesOf(log).join(', '))
  }

  /** How many match for each combination of values, the most frequent first; empty without `by`. */
  counts(): { readonly values: readonly (string | undefined)[]; readonly count: number }[] {
    return this.#tally?.list() ?? []
  }

  /** Terms that matched nothing or mean something else, with what was probably meant. */
  hints(): string[] {
    const silent = this.#silent.list()
    const slips = this.#slips.filter(({ term }) => !silent.some((each) => each.term === term))
    return [...silent, ...slips].map(({ text }) => text)
  }
}
