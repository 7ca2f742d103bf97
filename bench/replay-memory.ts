import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import manifest from '../package.json' with { type: 'json' }
import { eventLines, writeLines } from './events.ts'

const EVENTS_PER_HOUR = 500_000

/**
 * Measures the peak memory of a replay of the catalogue in a separate process, started like `npm run replay`, which reads
 * `hours` hours of log, half a million events each, from a pipe.
 * @returns resident MiB as reported by the kernel
 */
export async function replayMemory(hours: number): Promise<number> {
  const script = fileURLToPath(new URL('replay-memory-child.ts', import.meta.url))
  const child = spawn(process.execPath, [...flagsOf(manifest.scripts.replay), script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [kibibytes] = await Promise.all([
    text(child.stdout),
    writeLines(child.stdin, eventLines(hours * EVENTS_PER_HOUR, 3_600_000 / EVENTS_PER_HOUR)),
  ])
  const peak = Number(kibibytes)
  if (!(peak > 0)) throw new Error('the replay reported no peak of memory')
  return peak / 1024
}

/** Node's options before the program. */
const flagsOf = (script: string): string[] => script.split(' ').slice(1, -2)
