import type { RecentSignIn } from './port.ts'

/**
 * The sessions that an attacker may have opened who tries passwords from their network; see `RecentSignIns.suspects`.
 * @param opened with epoch ms, oldest first
 * @param attackedSince epoch ms of the first failure from that network
 */
export function suspectsAmong(
  opened: readonly { signIn: RecentSignIn; at: number }[],
  attackedSince: number,
): RecentSignIn[] {
  const recent = opened
    .filter(({ signIn, at }) => signIn.odd || signIn.returning || at >= attackedSince)
    .map(({ signIn }) => signIn)
  const begun = recent.filter(({ returning }) => !returning)
  const lineages = new Set(begun.map(({ lineage }) => lineage))
  return recent.filter(({ returning, lineage }) => !returning || (lineage !== undefined && lineages.has(lineage)))
}
