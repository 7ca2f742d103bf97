import type { Mutant } from 'alertproof/mutate'
import { type Detection, type DetectionCase, type Mode, runCase } from '../../detections/harness.ts'
import { claimsOf } from '../claims/claims.ts'
import { equivalentOf } from './equivalent.ts'
import { mutantsOf } from './mutants.ts'

/** The result for one mutant. */
export interface Verdict {
  readonly detection: string
  readonly mutant: string
  /** The first case whose result differs from that of the monitor. */
  readonly killer: { readonly name: string; readonly mode: Mode } | undefined
  /** Why no event of the app can make their results differ; undefined if a case does. */
  readonly equivalent: string | undefined
}

/** A detection calls a mutant equivalent that a case kills, or that is not made any more. */
export class Stale extends Error {
  override readonly name = 'Stale'
}

/** No case kills it, and no reason says why none can. */
export const survived = ({ killer, equivalent }: Verdict): boolean => !killer && equivalent === undefined
/** The recorded mode is left out, because the claims show that it evaluates as these do. */
const MODES: readonly Mode[] = ['arrival', 'cadence']

/**
 * Runs the cases and the claims of a detection on each of its mutants.
 * @throws Stale at the end, if the detection calls a mutant equivalent that is not
 */
export async function* mutate(detection: Detection): AsyncGenerator<Verdict> {
  const { monitor, proof, cases } = detection
  const all = [...cases, ...claimsOf(monitor, proof)]
  const listed = new Map(Object.entries(proof.equivalent ?? {}))
  // A silent case explains best what fires too often, and a short one explains it briefly.
  const rank = ({ fires, dropped }: DetectionCase) => (fires || dropped !== undefined ? 1 : 0)
  const order = all.toSorted((a, b) => rank(a) - rank(b) || a.events.length - b.events.length)
  for (const mutant of mutantsOf(detection)) {
    const killer = killerOf(mutant, order)
    const equivalent = killer ? undefined : (listed.get(mutant.name) ?? equivalentOf(monitor, mutant.name))
    if (!killer) listed.delete(mutant.name)
    yield { detection: monitor.slug, mutant: mutant.name, killer, equivalent }
  }
  if (listed.size > 0) throw new Stale(`${monitor.slug} calls equivalent what is not: ${[...listed.keys()].join('; ')}`)
}

function killerOf({ monitor }: Mutant, cases: readonly DetectionCase[]): Verdict['killer'] {
  for (const mode of MODES) {
    const killer = cases.find((each) => runCase(monitor, each, mode).faults.length > 0)
    if (killer) return { name: killer.name, mode }
  }
  return undefined
}
