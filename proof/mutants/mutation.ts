import { type Detection, type DetectionCase, type Mode, runCase } from '../../detections/harness.ts'
import { claimsOf } from '../claims/claims.ts'
import { equivalentOf } from './equivalent.ts'
import { type Mutant, mutantsOf } from './mutants.ts'

/** What became of a mutant. */
export interface Verdict {
  readonly detection: string
  readonly mutant: string
  /** The first case that told it from the monitor. */
  readonly killer: { readonly name: string; readonly mode: Mode } | undefined
  /** Why no event of the app can tell them apart; undefined where they are told apart. */
  readonly equivalent: string | undefined
}

/** Mutants that a detection calls equivalent and that are none: not made any more, or told apart after all. */
export class Stale extends Error {
  override readonly name = 'Stale'
}

/** Nobody told it apart, and nobody said why. */
export const survived = ({ killer, equivalent }: Verdict): boolean => !killer && equivalent === undefined
/** In both modes that differ in what they see; what is recorded is evaluated alike, which the claims hold. */
const modes: readonly Mode[] = ['arrival', 'cadence']

/**
 * Holds every mutant of a detection against its cases and its claims.
 * @throws Stale at the end, when the detection calls a mutant equivalent that is not
 */
export async function* mutate(detection: Detection): AsyncGenerator<Verdict> {
  const { monitor, proof, cases } = detection
  const all = [...cases, ...claimsOf(monitor, proof)]
  const listed = new Map(Object.entries(proof.equivalent ?? {}))
  // What must be silent says best what a slip that fires too often breaks; the shortest says it shortest.
  const rank = ({ fires, dropped }: DetectionCase) => (fires || dropped !== undefined ? 1 : 0)
  const order = all.toSorted((a, b) => rank(a) - rank(b) || a.events.length - b.events.length)
  for (const mutant of await mutantsOf(detection)) {
    const killer = killerOf(mutant, order)
    const equivalent = killer ? undefined : (listed.get(mutant.name) ?? equivalentOf(monitor, mutant.name))
    if (!killer) listed.delete(mutant.name)
    yield { detection: monitor.slug, mutant: mutant.name, killer, equivalent }
  }
  if (listed.size > 0) throw new Stale(`${monitor.slug} calls equivalent what is not: ${[...listed.keys()].join('; ')}`)
}

function killerOf({ monitor }: Mutant, cases: readonly DetectionCase[]): Verdict['killer'] {
  for (const mode of modes) {
    const killer = cases.find((each) => runCase(monitor, each, mode).faults.length > 0)
    if (killer) return { name: killer.name, mode }
  }
  return undefined
}
