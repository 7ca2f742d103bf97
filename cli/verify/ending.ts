import type { Attack } from '../../attacks/kit/attack.ts'
import { policyFor } from '../../shared/containment/policy.ts'

/** Some alerts end nothing: only a person can decide, because a lock-out could be aimed at somebody honest. */
export function endOf({ ends, trips }: Attack): 'prevented' | 'contained' | 'notified' {
  if (ends === 'prevented') return ends
  return policyFor(trips ?? '')?.action === 'notify' ? 'notified' : 'contained'
}
