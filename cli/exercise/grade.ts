import { randomBytes } from 'node:crypto'
import { loadMonitors, MonitorError } from 'alertproof'
import { newSeed } from '../../attacks/kit/random.ts'
import { type RunFile, readRunFile } from '../../lab/start/run-file.ts'
import { flagOf } from '../../proof/exercise/ctfd.ts'
import { type Grade, grade, unreadable } from '../../proof/exercise/grade.ts'
import { readExercise } from '../../proof/exercise/working-copy.ts'
import { runningLab } from '../verify/lab.ts'
import { verifyIn } from '../verify/verify-in.ts'
import { loadExercises, placesIn } from './exercises.ts'

/** Why there is nothing to grade, and what to do. */
export class NoExercise extends Error {
  override readonly name = 'NoExercise'
}

export interface GradeOptions {
  /** The lab's directory, absolute. */
  readonly dir: string
  /** The exercise that is expected to run. */
  readonly seed: number | undefined
  /** Signs the flag. */
  readonly key: string
  readonly say: (text: string) => void
  readonly signal: AbortSignal
}

export interface Report extends Grade {
  readonly exercise: number
  /** Null unless it is solved. */
  readonly flag: string | null
  /** What was wrong; null unless it is solved. */
  readonly answer: { readonly detection: string; readonly fault: string } | null
}

/** Judges the working copy of the exercise that runs. @throws NoExercise */
export async function gradeExercise({ dir, seed, key, say, signal }: GradeOptions): Promise<Report> {
  const run = await runOf(dir, seed)
  const exercises = await loadExercises()
  const known = await readExercise(placesIn(dir).folder)
  const again = `Start it again: npm start -- --exercise ${run.exercise.seed}`
  if (known?.seed !== run.exercise.seed) {
    throw new NoExercise(`${placesIn(dir).folder} does not hold exercise ${run.exercise.seed} any more. ${again}`)
  }
  if (known.catalogue !== exercises.catalogue) {
    throw new NoExercise(`The detections of the project have changed since exercise ${known.seed} was made. ${again}`)
  }
  const fault = exercises.faultOf(known.seed)
  const graded = await judge()
  const { detection, mutant } = fault
  return {
    exercise: known.seed,
    ...graded,
    flag: graded.solved ? flagOf(known.seed, fault, key) : null,
    answer: graded.solved ? { detection: detection.monitor.slug, fault: mutant.name } : null,
  }

  async function judge(): Promise<Grade> {
    try {
      const monitors = await loadMonitors(run.exercise.detections)
      return await grade({ fault, detections: exercises.detections, monitors, verify })
    } catch (error) {
      if (error instanceof MonitorError) return unreadable(fault, error.message)
      throw error
    }
  }

  async function verify() {
    const lab = runningLab(run)
    const runId = `x-${randomBytes(4).toString('hex')}`
    say(`The cases hold. Carrying out the attack and its twin in the lab (run ${runId}) …`)
    const { verdicts } = await verifyIn(lab, {
      attacks: [fault.attack],
      targets: fault.attack.targets,
      runId,
      seed: newSeed(),
      say: (scenario, text) => say(`  ${scenario}: ${text}`),
      signal,
    })
    return verdicts
  }
}

/** @throws NoExercise unless the lab of this directory runs that exercise */
async function runOf(
  dir: string,
  seed: number | undefined,
): Promise<RunFile & { exercise: NonNullable<RunFile['exercise']> }> {
  const start = `npm start -- --exercise ${seed ?? 7}`
  const run = await readRunFile(dir)
  if (!run) throw new NoExercise(`No lab runs in ${dir}. Start one with an exercise: ${start}`)
  const { exercise } = run
  if (!exercise)
    throw new NoExercise(`The lab at ${run.urls.datadog} runs no exercise. Stop it, and start one: ${start}`)
  if (seed !== undefined && exercise.seed !== seed) {
    throw new NoExercise(
      `The lab runs exercise ${exercise.seed}, not ${seed}. Leave out --seed, or start the other one: ${start}`,
    )
  }
  return { ...run, exercise }
}
