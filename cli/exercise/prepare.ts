import { readExercise, writeExercise } from '../../proof/exercise/working-copy.ts'
import { DETECTIONS } from '../verify/lab.ts'
import { loadExercises, placesIn } from './exercises.ts'

/** A working copy with one fault. */
export interface Prepared {
  /** The folder of its detections. */
  readonly detections: string
  /** Whether an earlier copy of the same exercise is used, with what was repaired in it. */
  readonly isContinued: boolean
}

/**
 * Puts the exercise of a seed into a lab's directory. One of the same seed is continued; any other is replaced.
 * @param lab its directory, absolute
 */
export async function prepareExercise(lab: string, seed: number): Promise<Prepared> {
  const { folder, detections } = placesIn(lab)
  const exercises = await loadExercises()
  const known = await readExercise(folder)
  if (known?.seed === seed && known.catalogue === exercises.catalogue) return { detections, isContinued: true }
  await writeExercise(folder, {
    from: DETECTIONS,
    monitors: exercises.detections.map(({ monitor }) => monitor),
    fault: exercises.faultOf(seed),
    exercise: { seed, catalogue: exercises.catalogue },
  })
  return { detections, isContinued: false }
}
