import type { Monitor } from 'alertproof'
import { attacks } from '../../attacks/index.ts'
import type { Attack } from '../../attacks/kit/attack.ts'
import { policyFor } from '../../shared/containment/policy.ts'
import type { ReportIn } from './finding.ts'
import { tagsOf } from './rules.ts'

/**
 * Every attack that has to trip the detection.
 * @param reportIn by the attack’s slug
 */
export function attackRecordRules(
  { slug, tags }: Monitor,
  runbook: string,
  reportIn: ReportIn,
  all: readonly Attack[] = attacks,
): void {
  const techniques = tagsOf({ tags }, 'technique').sort()
  for (const [i, attack] of all.entries()) {
    // A variant belongs to the detection that it trips, every other attack to the one of its name.
    const owner = policyFor(attack.slug) ? attack.slug : attack.trips
    if (owner !== slug) continue
    const report = reportIn(attack.slug)
    const wanted = { trips: slug, runbook }
    for (const key of ['trips', 'runbook'] as const) {
      if (attack[key] !== wanted[key]) report(key, `is ${attack[key]}`, `say '${wanted[key]}'`)
    }
    const own = attack.techniques.map(({ id }) => id).sort()
    if (String(own) !== String(techniques)) {
      report('techniques', `are ${own.join(', ') || 'none'}`, `name the tags of its monitor: ${techniques.join(', ')}`)
    }
    const earlier = all.slice(0, i)
    for (const key of ['title', 'does'] as const) {
      const other = earlier.find((each) => each[key] === attack[key])
      if (other) report(key, `is that of ${other.slug}`, 'write it for this attack')
      const otherTwin = earlier.find((each) => each.twin[key] === attack.twin[key])
      if (otherTwin) report(`twin.${key}`, `is that of ${otherTwin.slug}`, 'write it for this twin')
    }
  }
}
