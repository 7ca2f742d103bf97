import type { SearchMonitor } from 'alertproof'
import { equivalentOf as equivalentOfAny } from 'alertproof/mutate'

/**
 * Slips that change nothing, whatever a detection looks for. What is only so for one detection stands beside it, as
 * `equivalent` of its proof.
 * @returns the reason why a mutant has the same results as its monitor
 */
export function equivalentOf(monitor: SearchMonitor, mutant: string): string | undefined {
  const { operator, threshold } = monitor.parsed
  if (
    operator === '>' &&
    threshold === 0 &&
    monitor.options.on_missing_data === 'resolve' &&
    mutant === 'rollup: count → cardinality @request_id'
  ) {
    return 'each event names the request that caused it: any at all is any distinct'
  }
  return equivalentOfAny(monitor, mutant)
}
