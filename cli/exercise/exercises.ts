import { join } from 'node:path'
import { type Detection, loadDetections } from '../../detections/harness.ts'
import { catalogueOf, type Fault, faultOf, versionOf } from '../../proof/exercise/catalogue.ts'
import { DETECTIONS } from '../verify/lab.ts'

/** Everything that a seed chooses from. */
export interface Exercises {
  readonly detections: readonly Detection[]
  /** Seeds name the same faults as long as this is the same. */
  readonly catalogue: string
  faultOf(seed: number): Fault
}

export async function loadExercises(): Promise<Exercises> {
  const detections = await loadDetections(DETECTIONS)
  const faults = catalogueOf(detections)
  return { detections, catalogue: versionOf(faults), faultOf: (seed) => faultOf(seed, faults) }
}

/** The folder of an exercise in a lab's directory, and that of its detections. */
export const placesIn = (lab: string): { folder: string; detections: string } => {
  const folder = join(lab, 'exercise')
  return { folder, detections: join(folder, 'detections') }
}
