import { type Attack, TARGETS, type TargetKind } from '../../attacks/attack.ts'
import { attackBySlug, attacks } from '../../attacks/index.ts'
import { UsageError } from '../command.ts'

export { wholeNumber } from '../command.ts'

/** @throws UsageError naming those that there are */
export function attackNamed(slug: string): Attack {
  const attack = attackBySlug(slug)
  if (attack) return attack
  throw new UsageError(`There is no attack ${slug}; there are: ${attacks.map((one) => one.slug).join(', ')}`)
}

/** @throws UsageError */
export function targetsNamed(text: string): readonly TargetKind[] {
  const targets = text === 'both' ? TARGETS : TARGETS.filter((target) => target === text)
  if (targets.length === 0) throw new UsageError(`--target ${text}: must be web, functions or both`)
  return targets
}

/** Those of `targets` that some of these attacks is carried out on. @throws UsageError when there are none */
export function targetsOf(chosen: readonly Attack[], targets: readonly TargetKind[]): readonly TargetKind[] {
  const usable = targets.filter((target) => chosen.some((attack) => attack.targets.includes(target)))
  if (usable.length > 0) return usable
  const each = chosen.map(({ slug, targets }) => `${slug} has only ${targets.join(', ')}`)
  throw new UsageError(`--target ${targets.join(', ')}: ${each.join('; ')}`)
}
