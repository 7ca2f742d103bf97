import { EventError, EventReader } from './event-reader.ts'
import { visitLines } from './lines.ts'
import type { Log } from './log.ts'
import type { Monitor } from './monitor.ts'
import { Replayer, type ReplayOptions } from './replay.ts'
import type { Transition } from './track.ts'

export interface ReplayVisitor {
  transition(transition: Transition): void
  /** A line that is not an event; lines count from 1. */
  malformed(line: number, reason: string): void
  /** After each piece of the stream: how far it has come. */
  progress?(soFar: ReplaySummary): void
}

export interface ReplaySummary {
  bytes: number
  events: number
  malformed: number
  /** Events that a monitor would have counted had they not come later than the lateness allows. */
  dropped: number
  /** Epoch ms of the newest event; alerts after it are only the end of the recording. */
  newest: number
}

/** Evaluates monitors over a stream of JSON lines of any length, in memory that depends on the windows only. */
export async function replayStream(
  stream: AsyncIterable<Buffer>,
  monitors: readonly Monitor[],
  options: ReplayOptions,
  visitor: ReplayVisitor,
): Promise<ReplaySummary> {
  const reader = new EventReader(monitors)
  const replayer = new Replayer(monitors, options, (transition) => visitor.transition(transition))
  const summary: ReplaySummary = { bytes: 0, events: 0, malformed: 0, dropped: 0, newest: Number.NEGATIVE_INFINITY }
  let line = 0
  const malformed = (reason: string) => {
    summary.malformed++
    visitor.malformed(line, reason)
  }
  const take = (log: Log, at: number) => {
    summary.events++
    replayer.push(log, at)
  }
  const lines = {
    line(buffer: Buffer, start: number, end: number) {
      line++
      if (isBlank(buffer, start, end)) return
      try {
        reader.read(buffer, start, end, take)
      } catch (error) {
        if (!(error instanceof EventError)) throw error
        malformed(error.message)
      }
    },
    tooLong() {
      line++
      malformed('is longer than any log line')
    },
  }
  const report = () => Object.assign(summary, { dropped: replayer.dropped, newest: replayer.newest })
  await visitLines(stream, lines, (bytes) => {
    summary.bytes += bytes
    visitor.progress?.(report())
  })
  replayer.finish()
  return report()
}

function isBlank(buffer: Buffer, start: number, end: number): boolean {
  let at = start
  while (at < end && (buffer[at] as number) <= 0x20) at++
  return at === end
}
