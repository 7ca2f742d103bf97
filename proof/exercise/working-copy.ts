import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { SearchMonitor } from 'alertproof'
import { z } from 'zod'
import type { Fault } from './catalogue.ts'
import { faultyText } from './faulty-text.ts'

/** What is kept of an exercise beside its detections. It does not contain the answer. */
const Exercise = z.strictObject({ seed: z.number().int().nonnegative(), catalogue: z.string() })
export type Exercise = z.infer<typeof Exercise>

const NOTE = 'exercise.json'
const SHARED = ['webhook.json', 'siem-webhook.json', 'pipeline.json']

/** @returns what is kept of the exercise in a folder; undefined if there is none */
export async function readExercise(folder: string): Promise<Exercise | undefined> {
  try {
    return Exercise.safeParse(JSON.parse(await readFile(join(folder, NOTE), 'utf8'))).data
  } catch {
    return undefined
  }
}

/**
 * Replaces the exercise in a folder by another: a copy of the detections with one fault.
 * @param from the folder of the detections, which is only read
 */
export async function writeExercise(
  folder: string,
  {
    from,
    monitors,
    fault,
    exercise,
  }: { from: string; monitors: readonly SearchMonitor[]; fault: Fault; exercise: Exercise },
): Promise<void> {
  const draft = `${folder}.${process.pid}`
  const detections = join(draft, 'detections')
  await rm(draft, { recursive: true, force: true })
  for (const monitor of monitors) {
    const text = await readFile(monitor.file, 'utf8')
    const isFaulty = monitor.slug === fault.detection.monitor.slug
    await mkdir(join(detections, monitor.slug), { recursive: true })
    await writeFile(join(detections, monitor.slug, 'monitor.json'), isFaulty ? faultyText(text, fault) : text)
    await copyIfThere(join(dirname(monitor.file), 'siem.json'), join(detections, monitor.slug, 'siem.json'))
  }
  for (const name of SHARED) await copyIfThere(join(from, name), join(detections, name))
  await writeFile(join(draft, NOTE), `${JSON.stringify(exercise)}\n`)
  await rm(folder, { recursive: true, force: true })
  await rename(draft, folder)
}

const copyIfThere = (from: string, to: string): Promise<void> =>
  cp(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
