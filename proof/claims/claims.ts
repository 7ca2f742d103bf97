import type { SearchMonitor } from 'alertproof'
import type { DetectionCase, Proof } from '../../detections/harness.ts'
import { fallingClaims } from './falling.ts'
import { risingClaims } from './rising.ts'

/**
 * What must hold of every detection, whatever it looks for: derived from the query and from the events that its proof
 * makes. Each claim begins on a full minute, so that a window of either mode can span the same edge.
 * @throws Error when the monitor asks for what no claim is written for: a detection without a proof must not pass
 */
export function claimsOf(monitor: SearchMonitor, proof: Proof): DetectionCase[] {
  return monitor.parsed.operator.startsWith('>') ? risingClaims(monitor, proof) : fallingClaims(monitor, proof)
}
