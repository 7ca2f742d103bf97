import type { Monitor } from '../monitor/monitor.ts'

const NEVER_ZERO = 'a group without logs has no value (on_missing_data resolves it), so that 0 is never compared'
const SILENCE_IS_ZERO = 'a count reads silence as 0, which is below the threshold and recovers as well'

/**
 * Slips that change nothing, whatever the logs are.
 * @returns the reason why a mutant has the same results as its monitor
 */
export function equivalentOf({ parsed, options }: Monitor, mutant: string): string | undefined {
  if (parsed.form === 'formula') return undefined
  const { operator, threshold, rollup } = parsed
  if (operator !== '>' || options.on_missing_data !== 'resolve') return undefined
  const isCount = rollup.kind === 'count' || rollup.kind === 'cardinality'
  const reasons: Record<string, string> = {
    ...(rollup.kind === 'count' && { 'on_missing_data: resolve → default': SILENCE_IS_ZERO }),
    // No value is below the threshold, or all of them equal it.
    ...(isCount && (threshold === 0 || threshold === 1) && { 'operator: > → !=': NEVER_ZERO }),
    ...(isCount && threshold === 0 && { 'operator: > → >=': NEVER_ZERO, 'threshold: 0 → -1': NEVER_ZERO }),
  }
  return reasons[mutant]
}
