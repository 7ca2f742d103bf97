import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Monitor } from 'alertproof'
import { fileChunks, replayStream } from 'alertproof/replay'
import { writeEvents } from './events.ts'
import { alternate } from './rounds.ts'
import { inTemporaryFolder } from './stopping.ts'

/** Events per second of wall time of a replay on two threads, and of the same on one. */
export interface ThreadsBench {
  readonly two: readonly number[]
  readonly one: readonly number[]
}

/** Measures wall time, so that it means something only where two cores are free. */
export const benchThreads = (
  monitors: readonly Monitor[],
  { events, rounds }: { readonly events: number; readonly rounds: number },
): Promise<ThreadsBench> =>
  inTemporaryFolder(join(tmpdir(), 'ato-bench-'), async (dir) => {
    const file = join(dir, 'events.jsonl')
    await writeEvents(file, events)
    const perSecond = (threads: number) => async () => {
      const begin = performance.now()
      const changes = await replayAll(file, monitors, threads)
      if (changes === 0) throw new Error('the replay found nothing')
      return (events * 1000) / (performance.now() - begin)
    }
    const { a, b } = await alternate(rounds, perSecond(2), perSecond(1))
    return { two: a, one: b }
  })

async function replayAll(file: string, monitors: readonly Monitor[], threads: number): Promise<number> {
  let changes = 0
  const visitor = {
    transition: () => void changes++,
    malformed(place: string, reason: string) {
      throw new Error(`${place} ${reason}`)
    },
  }
  await replayStream(fileChunks(await open(file)), monitors, { live: true }, visitor, { threads })
  return changes
}
