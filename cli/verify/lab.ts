import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startLab } from '../../lab/start/lab.ts'
import { type RunFile, readRunFile } from '../../lab/start/run-file.ts'
import { removeAbandoned, removeLab } from '../../lab/stores/remove.ts'
import { duration } from '../output.ts'

/** The detections that every lab evaluates. */
export const DETECTIONS = fileURLToPath(new URL('../../detections', import.meta.url))

/** A lab to verify in. */
export interface VerifiedLab {
  readonly urls: RunFile['urls']
  /** Undefined: at each event. */
  readonly cadenceSeconds: number | undefined
  /** Resolves with the reason when a part of it is gone for good. */
  readonly failed: Promise<Error>
  /** Stops and removes it, if it was started for this. */
  close(): Promise<void>
}

export interface LabWish {
  /** Where a lab may be running, and below which one is started otherwise. */
  readonly dir: string
  /** Undefined: whatever runs, and at each event if none does. */
  readonly cadenceSeconds: number | undefined
  readonly say: (text: string) => void
  readonly signal: AbortSignal
}

/**
 * The lab that runs, if it is of the wished kind; else one of our own, on free ports, with stores of its own, of which
 * nothing is left afterwards, and every setting at its default.
 */
export async function findOrStartLab(wish: LabWish): Promise<VerifiedLab> {
  const running = await readRunFile(wish.dir)
  if (!running) {
    wish.say(`No lab runs in ${wish.dir}; starting one for this, ${evaluation(wish.cadenceSeconds)}.`)
    return startOwn(wish)
  }
  const cadenceSeconds = running.mode.cadence_seconds ?? undefined
  if (wish.cadenceSeconds !== undefined && wish.cadenceSeconds !== cadenceSeconds) {
    const theirs = `The lab that runs evaluates ${evaluation(cadenceSeconds)}`
    wish.say(`${theirs}; starting another one for this, ${evaluation(wish.cadenceSeconds)}.`)
    return startOwn(wish)
  }
  wish.say(`Using the lab that runs at ${running.urls.web}, monitors evaluated ${evaluation(cadenceSeconds)}.`)
  return { urls: running.urls, cadenceSeconds, failed: new Promise(() => {}), close: async () => {} }
}

export const evaluation = (cadenceSeconds: number | undefined): string =>
  cadenceSeconds === undefined ? 'at each event' : `every ${cadenceSeconds} s, as Datadog does`

async function startOwn({ dir, cadenceSeconds, say, signal }: LabWish): Promise<VerifiedLab> {
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
