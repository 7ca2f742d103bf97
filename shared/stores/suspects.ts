import type { Entrance } from './port.ts'

/**
 * The sessions that an attacker may have opened who tries passwords from their network; see `Entrances.suspects`.
 * @param opened with epoch ms, oldest first
 * @param attackedSince epoch ms of the first failure from that network
 */
export function suspectsAmong(
  opened: readonly { entrance: Entrance; at: number }[],
  attackedSince: number,
): Entrance[] {
  const recent = opened
    .filter(({ entrance, at }) => entrance.odd || entrance.returning || at >= attackedSince)
    .map(({ entrance }) => entrance)
  const begun = recent.filter(({ returning }) => !returning)
  const lineages = new Set(begun.map(({ lineage }) => lineage))
  return recent.filter(({ returning, lineage }) => !returning || (lineage !== undefined && lineages.has(lineage)))
}
