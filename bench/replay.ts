import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileChunks, visitLines } from '../lab/datadog/lines.ts'
import { loadMonitors, type Monitor } from '../lab/datadog/monitor.ts'
import { replayStream } from '../lab/datadog/replay-stream.ts'
import { writeEvents } from './events.ts'

export interface ReplayBench {
  readonly events: number
  readonly monitors: number
  /** Events per CPU second, round by round. */
  readonly replay: readonly number[]
  readonly parse: readonly number[]
  /** Transitions found in one round: what the work amounted to. */
  readonly transitions: number
}

/**
 * Measures events per CPU second (all threads) of the catalogue's replay against `JSON.parse` of every line, both from the same
 * file by the same line reader, in interleaved rounds.
 */
export async function benchReplay(options: { events?: number; rounds?: number } = {}): Promise<ReplayBench> {
  const { events = 300_000, rounds = 5 } = options
  const monitors = await loadMonitors(join(import.meta.dirname, '../detections'))
  const dir = await mkdtemp(join(tmpdir(), 'ato-bench-'))
  try {
    const file = join(dir, 'events.jsonl')
    await writeEvents(file, events)
    let transitions = 0
    const replays: number[] = []
    const parses: number[] = []
    for (let round = 0; round < rounds; round++) {
      parses.push(events / (await cpuSeconds(() => parseAll(file))))
      replays.push(
        events /
          (await cpuSeconds(async () => {
            transitions = await replayAll(file, monitors)
          })),
      )
    }
    return { events, monitors: monitors.length, replay: replays, parse: parses, transitions }
  } finally {
    await rm(dir, { recursive: true })
  }
}

async function cpuSeconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

async function replayAll(file: string, monitors: readonly Monitor[]): Promise<number> {
  let transitions = 0
  const stream = fileChunks(await open(file))
  await replayStream(stream, monitors, {}, { transition: () => transitions++, malformed: refuse })
  return transitions
}

async function parseAll(file: string): Promise<void> {
  const stream = fileChunks(await open(file))
  const lines = {
    line: (buffer: Buffer, start: number, end: number) => JSON.parse(buffer.toString('utf8', start, end)),
    tooLong: () => refuse('a line', 'is too long'),
  }
  await visitLines(stream, lines)
}

function refuse(place: string, reason: string): never {
  throw new Error(`${place} ${reason}`)
}
