import type { Rollup } from '../monitor/monitor-query.ts'
import { statisticOf } from './measure.ts'

/** The rollup over the logs of several groups together. */
export interface Pool {
  /** Adds a value that occurs `times` times in a window. */
  add(value: string, times: number): void
  value(): number
}

/** Creates the pool of a rollup. */
export function poolOf(kind: Rollup['kind']): Pool {
  if (kind === 'count') {
    let count = 0
    const add = (_: string, times: number) => {
      count += times
    }
    return { add, value: () => count }
  }
  if (kind === 'cardinality') {
    const values = new Set<string>()
    return { add: (value) => void values.add(value), value: () => values.size }
  }
  const numbers = statisticOf(kind)
  const add = (value: string, times: number) => {
    for (let i = 0; i < times; i++) numbers.add(Number(value))
  }
  return { add, value: () => numbers.value() }
}
