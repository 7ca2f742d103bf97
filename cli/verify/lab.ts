import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { duration } from 'alertproof/cli'
import { startLab } from '../../lab/start/lab.ts'
import { type RunFile, readRunFile } from '../../lab/start/run-file.ts'
import { removeAbandoned, removeLab } from '../../lab/stores/remove.ts'

/** The folder of the detections that every lab evaluates, unless it runs an exercise. */
export const DETECTIONS = fileURLToPath(new URL('../../detections', import.meta.url))

/** A lab to verify in. */
export interface VerifiedLab {
  readonly urls: RunFile['urls']
  /** Undefined: evaluated at each event. */
  readonly cadenceSeconds: number | undefined
  /** The folder of the detections that it evaluates. */
  readonly detections: string
  /** Resolves with the reason when a part of the lab has ended. */
  readonly failed: Promise<Error>
  /** Stops and removes the lab, if it was started for this run. */
  close(): Promise<void>
}

export interface LabOptions {
  /** The directory of a running lab, and the parent of one that is started. */
  readonly dir: string
  /** Undefined: the cadence of the running lab, or at each event in a new one. */
  readonly cadenceSeconds: number | undefined
  readonly say: (text: string) => void
  readonly signal: AbortSignal
}

/**
 * Uses the running lab if its cadence fits. Otherwise starts one on free ports, with its own stores and default settings,
 * which is removed afterwards.
 */
export async function findOrStartLab(wanted: LabOptions): Promise<VerifiedLab> {
  const running = await readRunFile(wanted.dir)
  if (!running) {
    wanted.say(
      `No lab runs in ${wanted.dir}; starting one, which evaluates monitors ${evaluation(wanted.cadenceSeconds)}.`,
    )
    return startOwn(wanted)
  }
  const cadenceSeconds = running.mode.cadence_seconds ?? undefined
  if (wanted.cadenceSeconds !== undefined && wanted.cadenceSeconds !== cadenceSeconds) {
    const current = `The running lab evaluates monitors ${evaluation(cadenceSeconds)}`
    wanted.say(`${current}; starting another, which evaluates them ${evaluation(wanted.cadenceSeconds)}.`)
    return startOwn(wanted)
  }
  wanted.say(`Using the running lab at ${running.urls.web}, which evaluates monitors ${evaluation(cadenceSeconds)}.`)
  return runningLab(running)
}

/** A lab that somebody else has started and stops. */
export const runningLab = (run: RunFile): VerifiedLab => ({
  urls: run.urls,
  cadenceSeconds: run.mode.cadence_seconds ?? undefined,
  detections: run.exercise?.detections ?? DETECTIONS,
  failed: new Promise(() => {}),
  close: async () => {},
})

export const evaluation = (cadenceSeconds: number | undefined): string =>
  cadenceSeconds === undefined ? 'at each event' : `every ${cadenceSeconds} s, as Datadog does`

async function startOwn({ dir, cadenceSeconds, say, signal }: LabOptions): Promise<VerifiedLab> {
  const parent = join(dir, 'verify')
  await removeAbandoned(parent)
  const own = join(parent, `${process.pid}-${randomBytes(4).toString('hex')}`)
  try {
    const lab = await startLab({
      dir: own,
      ports: { web: 0, functions: 0, datadog: 0 },
      log: say,
      onReady: ({ name, ms }) => say(`  ${name} ready after ${duration(ms)}`),
      signal,
      ...(cadenceSeconds !== undefined && { cadenceSeconds }),
    })
    return {
      urls: lab.urls,
      cadenceSeconds,
      detections: DETECTIONS,
      failed: lab.failed,
      async close() {
        await lab.stop()
        await removeLab(own)
      },
    }
  } catch (error) {
    await removeLab(own)
    throw error
  }
}
