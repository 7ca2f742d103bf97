import type { Monitor } from 'alertproof'

const neverZero = 'a group without logs has no value (on_missing_data resolves it), so that 0 is never compared'
const distinctRequests = 'each event names the request that caused it: any at all is any distinct'
const silenceIsZero = 'a count reads silence as 0, which is below the threshold and recovers as well'

/**
 * Slips that change nothing, whatever a detection looks for. What is only so for one detection stands beside it, as
 * `equivalent` of its proof.
 * @returns the reason why a mutant has the same results as its monitor
 */
export function equivalentOf({ parsed, options }: Monitor, mutant: string): string | undefined {
  const { operator, threshold, rollup } = parsed
  if (operator !== '>' || options.on_missing_data !== 'resolve') return undefined
  const reasons: Record<string, string> = {
    ...(rollup.kind === 'count' && { 'on_missing_data: resolve → default': silenceIsZero }),
    // Values below the threshold are none, or equal to it.
    ...((threshold === 0 || threshold === 1) && { 'operator: > → !=': neverZero }),
    ...(threshold === 0 && {
      'operator: > → >=': neverZero,
      'threshold: 0 → -1': neverZero,
      'rollup: count → cardinality @request_id': distinctRequests,
    }),
  }
  return reasons[mutant]
}
