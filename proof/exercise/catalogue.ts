import { createHash } from 'node:crypto'
import type { Mutant } from 'alertproof/mutate'
import { attackBySlug } from '../../attacks/index.ts'
import type { ContainedAttack } from '../../attacks/kit/attack.ts'
import { createRandom } from '../../attacks/kit/random.ts'
import type { Detection } from '../../detections/harness.ts'
import { equivalentOf } from '../mutants/equivalent.ts'
import { mutantsOf } from '../mutants/mutants.ts'

export const FAULT_KINDS = ['dropped-at', 'wrong-facet', 'threshold'] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

/** A fault that an exercise can hide. */
export interface Fault {
  readonly detection: Detection
  readonly kind: FaultKind
  readonly mutant: Mutant
  /** The attack that must trip the detection. */
  readonly attack: ContainedAttack
}

/** What a solved exercise is worth: a number is harder to doubt than a name. */
export const POINTS: Readonly<Record<FaultKind, number>> = { 'dropped-at': 100, 'wrong-facet': 200, threshold: 300 }

/** Somebody may well write an attribute in place of another one of its set: what happened, or to whom. */
const ALIKE = [
  ['evt', 'outcome', 'reason', 'action', 'risk'],
  ['ip', 'network', 'device_hash', 'sid', 'usr.id', 'login_hash', 'email', 'request_id', 'via'],
].map((names) => names.map((name) => `@${name}`))

/**
 * Every fault that an exercise can hide: mutants of the query that a case can tell from the detection. Detections whose alert is
 * about the whole service are left out, because their attack takes minutes.
 */
export function catalogueOf(detections: readonly Detection[]): Fault[] {
  return detections.flatMap((detection) => {
    const attack = attackBySlug(detection.monitor.slug)
    if (!attack || attack.ends === 'prevented' || attack.serviceWide) return []
    return mutantsOf(detection).flatMap((mutant): Fault[] => {
      const kind = kindOf(mutant.name)
      const isEquivalent =
        (detection.proof.equivalent?.[mutant.name] ?? equivalentOf(detection.monitor, mutant.name)) !== undefined
      return kind && !isEquivalent ? [{ detection, kind, mutant, attack }] : []
    })
  })
}

/** The fault of an exercise: first its kind, then its detection, so that each is as likely as another. */
export function faultOf(seed: number, catalogue: readonly Fault[]): Fault {
  const random = createRandom(seed)
  const kind = random.pick(FAULT_KINDS)
  const ofKind = catalogue.filter((fault) => fault.kind === kind)
  const slug = random.pick([...new Set(ofKind.map(({ detection }) => detection.monitor.slug))])
  return random.pick(ofKind.filter(({ detection }) => detection.monitor.slug === slug))
}

/** Seeds name the same faults as long as this is the same. */
export const versionOf = (catalogue: readonly Fault[]): string =>
  createHash('sha256')
    .update(JSON.stringify(catalogue.map(({ detection, mutant }) => [detection.monitor.slug, mutant.after])))
    .digest('hex')

const SLIP = /^(?:search|by|rollup): (?<before>.+) → (?<after>.+)$/

/** @param name of a mutant, as `npm run test:mutants` prints it */
function kindOf(name: string): FaultKind | undefined {
  if (name.startsWith('threshold: ')) return 'threshold'
  const { before = '', after = '' } = SLIP.exec(name)?.groups ?? {}
  if (before === '') return undefined
  if ([...before.matchAll(/@/g)].some(({ index }) => before.slice(0, index) + before.slice(index + 1) === after)) {
    return 'dropped-at'
  }
  return isOtherFacet(before, after) ? 'wrong-facet' : undefined
}

const FACET = /@[\w.]+/g

/** Whether exactly one facet was replaced by one of its set, and nothing else has changed. */
function isOtherFacet(before: string, after: string): boolean {
  const [from, to] = [before.match(FACET) ?? [], after.match(FACET) ?? []]
  const changed = to.flatMap((facet, i) => (facet === from[i] ? [] : [[from[i] ?? '', facet]]))
  const hasOneForm = before.replace(FACET, '@') === after.replace(FACET, '@')
  return hasOneForm && changed.length === 1 && ALIKE.some((set) => changed.flat().every((facet) => set.includes(facet)))
}
