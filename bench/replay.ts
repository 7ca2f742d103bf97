import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadMonitors, type Monitor } from 'alertproof'
import { fileChunks, replayStream, visitLines } from 'alertproof/replay'
import { writeEvents } from './events.ts'

/** Events per CPU second, round by round. */
export interface ReplayBench {
  readonly parse: readonly number[]
  /** Replays through two and eight monitors, in the same rounds. */
  readonly two: readonly number[]
  readonly eight: readonly number[]
}

/** One counts events, one counts distinct values. */
const TWO = ['credential-stuffing', 'session-reuse']
/** Monitors of all kinds: grouped by addresses, sessions, logins, accounts or a list, or not grouped. */
const EIGHT = [
  ...TWO,
  ...['account-brute-force', 'distributed-stuffing', 'impossible-travel', 'otp-replay'],
  ...['password-spraying', 'telemetry-silence'],
]

/**
 * Measures events per CPU second (all threads) of replays against `JSON.parse` of every line, in alternating rounds. All read
 * the same file with the same line reader.
 */
export async function benchReplay(options: { events?: number; rounds?: number } = {}): Promise<ReplayBench> {
  const { events = 500_000, rounds = 5 } = options
  const catalogue = await loadMonitors(join(import.meta.dirname, '../detections'))
  const named = (slugs: readonly string[]) => catalogue.filter(({ slug }) => slugs.includes(slug))
  const dir = await mkdtemp(join(tmpdir(), 'ato-bench-'))
  try {
    const file = join(dir, 'events.jsonl')
    await writeEvents(file, events)
    const perSecond = async (work: () => Promise<unknown>) => events / (await cpuSeconds(work))
    const bench: { [part in keyof ReplayBench]: number[] } = { parse: [], two: [], eight: [] }
    for (let round = 0; round < rounds; round++) {
      bench.parse.push(await perSecond(() => parseAll(file)))
      bench.two.push(await perSecond(() => replayAll(file, named(TWO), TWO.length)))
      bench.eight.push(await perSecond(() => replayAll(file, named(EIGHT), EIGHT.length)))
    }
    return bench
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

/** @throws Error if monitors are missing or the replay found nothing, so that nothing was measured */
async function replayAll(file: string, monitors: readonly Monitor[], wanted: number): Promise<void> {
  if (monitors.length !== wanted) throw new Error(`${wanted} monitors are needed, but ${monitors.length} exist`)
  let transitions = 0
  const visitor = { transition: () => transitions++, malformed: refuse }
  await replayStream(fileChunks(await open(file)), monitors, { live: true }, visitor)
  if (transitions === 0) throw new Error('the replay found nothing')
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
