import { poolOf } from '../evaluate/pool.ts'
import { type Condition, type Expression, holdsFor } from './condition.ts'
import type { SiemRule } from './rule.ts'

interface Entry {
  readonly at: number
  readonly query: number
  readonly value: string
}

/**
 * Whether the left side of `THEN` held before the right side did.
 * Decision `then-splits-the-window`, undocumented: some instant divides the window so that the left side holds over the events up to it,
 * and the right side over the events after it.
 * @param entries what the queries count in the window of one group, oldest first
 */
export function holdsInOrder(
  { first, after: second }: Condition,
  rule: SiemRule,
  queryOf: ReadonlyMap<string, number>,
  entries: readonly Entry[],
): boolean {
  if (!second) return false
  const instants = [...new Set(entries.map(({ at }) => at))]
  const before = verdicts(first, rule, queryOf, entries, instants)
  const after = verdicts(second, rule, queryOf, entries.toReversed(), instants.toReversed()).reverse()
  return instants.some((_, i) => before[i] && after[i + 1])
}

/** @returns for each instant whether an expression holds over all entries up to it, in the order given */
function verdicts(
  expression: Expression,
  rule: SiemRule,
  queryOf: ReadonlyMap<string, number>,
  entries: readonly Entry[],
  instants: readonly number[],
): boolean[] {
  const pools = rule.queries.map(({ rollup }) => ({ pool: poolOf(rollup.kind), count: 0 }))
  const valueIn = (alias: string) => {
    const counted = pools[queryOf.get(alias) ?? 0]
    return counted && counted.count > 0 ? counted.pool.value() : 0
  }
  let next = 0
  return instants.map((at) => {
    for (; entries[next]?.at === at; next++) {
      const entry = entries[next]
      const counted = entry && pools[entry.query]
      if (!counted) continue
      counted.pool.add(entry.value, 1)
      counted.count++
    }
    return holdsFor(expression, valueIn)
  })
}
