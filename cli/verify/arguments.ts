import { UsageError, unknownName } from 'alertproof/cli'
import { attackBySlug, attacks } from '../../attacks/index.ts'
import { type Attack, TARGETS, type TargetKind } from '../../attacks/kit/attack.ts'
import { playedByTests } from '../../attacks/kit/played-by-tests.ts'

export { wholeNumber } from 'alertproof/cli'

/** @throws UsageError naming the known attacks */
export function attackNamed(slug: string): Attack {
  const attack = attackBySlug(slug)
  if (attack) return attack
  const played = playedByTests.find((each) => each.slug === slug)
  if (played)
    throw new UsageError(`"${slug}" takes hours. Run its test with a virtual clock: npx vitest run ${played.test}`)
  const known = attacks.map((each) => each.slug)
  throw new UsageError(unknownName('attack', slug, known))
}

/** @throws UsageError for an unknown target */
export function targetsNamed(text: string): readonly TargetKind[] {
  const targets = text === 'both' ? TARGETS : TARGETS.filter((target) => target === text)
  if (targets.length === 0) throw new UsageError(`--target ${text}: must be web, functions or both`)
  return targets
}

/** The targets that at least one of these attacks supports. @throws UsageError if no target is left */
export function targetsOf(chosen: readonly Attack[], targets: readonly TargetKind[]): readonly TargetKind[] {
  const usable = targets.filter((target) => chosen.some((attack) => attack.targets.includes(target)))
  if (usable.length > 0) return usable
  const each = chosen.map(({ slug, targets }) => `${slug} supports only ${targets.join(', ')}`)
  throw new UsageError(`--target ${targets.join(', ')}: ${each.join('; ')}`)
}
