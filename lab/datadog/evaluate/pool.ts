import type { Rollup } from '../monitor/monitor-query.ts'
import type { GroupLimits } from './group-limits.ts'
import { statisticOf } from './measure.ts'

/** What the rollup gives over the logs of several groups together. */
export interface Pool {
  add(value: string): void
  value(): number
}

function poolOf(kind: Rollup['kind']): Pool {
  if (kind === 'count') {
    let count = 0
    return { add: () => void count++, value: () => count }
  }
  if (kind === 'cardinality') {
    const values = new Set<string>()
    return { add: (value) => void values.add(value), value: () => values.size }
  }
  const numbers = statisticOf(kind)
  return { add: (value) => numbers.add(Number(value)), value: () => numbers.value() }
}

/**
 * @param pools by prefix; those that are missing are added
 * @returns the pools of all choices of facets above a group; none for no choice at all, which nothing stands beside
 */
export function poolsAbove(key: string, limits: GroupLimits, pools: Map<string, Pool>, kind: Rollup['kind']): Pool[] {
  return limits
    .prefixesOf(key)
    .filter((prefix) => prefix !== '')
    .map((prefix) => {
      const pool = pools.get(prefix) ?? poolOf(kind)
      pools.set(prefix, pool)
      return pool
    })
}
