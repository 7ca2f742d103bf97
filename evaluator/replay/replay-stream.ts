import type { ExceededLimit } from '../evaluate/evaluate.ts'
import type { Transition } from '../evaluate/notices.ts'
import type { UrlFields } from '../intake/preprocess.ts'
import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { EventError, EventReader } from './event-reader.ts'
import { visitLines } from './lines.ts'
import { type RecordingForm, readRecording } from './recording/recording.ts'
import { Replayer } from './replay.ts'
import type { ReplayOptions } from './replay-options.ts'
import type { ReplayState } from './replay-state.ts'

export interface ReplayVisitor {
  transition(transition: Transition): void
  /** Something that is not an event; in JSON lines its place is `line 7`, from 1. */
  malformed(place: string, reason: string): void
  /** After each piece of the stream: how far it has come. */
  progress?(soFar: ReplaySummary): void
}

export interface ReplaySummary {
  bytes: number
  events: number
  malformed: number
  /** Events that a monitor would have counted had they not come later than the lateness allows. */
  dropped: number
  /** Epoch ms of the newest event. */
  newest: number
  /** Where monitors had more groups than Datadog evaluates. */
  exceeded: readonly ExceededLimit[]
}

export interface ReplaySource {
  /** JSON lines unless told. */
  readonly form?: RecordingForm
  /** What the URL of the drain says of Logplex frames. */
  readonly drain?: UrlFields
  /** Goes on from where an earlier part of the recording ended. */
  readonly resume?: ReplayState | undefined
  /** The recording goes on elsewhere: at the end of this part of it time stands still, and its state is passed on. */
  readonly pause?: ((state: ReplayState) => Promise<void>) | undefined
}

/** Evaluates monitors over a recording of any length, in memory that depends on the windows only. */
export async function replayStream(
  stream: AsyncIterable<Buffer>,
  monitors: readonly Monitor[],
  options: ReplayOptions,
  visitor: ReplayVisitor,
  { form = 'jsonl', drain, resume, pause }: ReplaySource = {},
): Promise<ReplaySummary> {
  const replayer = new Replayer(monitors, options, (transition) => visitor.transition(transition))
  if (resume) replayer.restore(resume)
  const reader = new EventReader(monitors, replayer)
  const summary: ReplaySummary = {
    ...{ bytes: 0, events: 0, malformed: 0, dropped: 0, newest: Number.NEGATIVE_INFINITY },
    exceeded: [],
  }
  let line = 0
  const malformed = (place: string, reason: string) => {
    summary.malformed++
    visitor.malformed(place, reason)
  }
  const whole = (log: IndexedLog) => {
    summary.events++
    replayer.push(log, log.timestamp)
  }
  const lines = {
    scan(buffer: Buffer, start: number) {
      const end = reader.scan(buffer, start)
      if (end < 0) return end
      line++
      summary.events++
      return end
    },
    line(buffer: Buffer, start: number, end: number) {
      line++
      if (isBlank(buffer, start, end)) return
      try {
        reader.read(buffer, start, end)
        summary.events++
      } catch (error) {
        if (!(error instanceof EventError)) throw error
        malformed(`line ${line}`, error.message)
      }
    },
    tooLong() {
      line++
      malformed(`line ${line}`, 'is longer than any log line')
    },
  }
  const report = () => Object.assign(summary, { dropped: replayer.dropped, newest: replayer.newest })
  const piece = (bytes: number) => {
    summary.bytes += bytes
    visitor.progress?.(report())
  }
  if (form === 'jsonl') await visitLines(stream, lines, piece)
  else await readRecording(stream, form, { log: whole, malformed, piece }, drain)
  if (pause) await pause(replayer.save())
  else replayer.finish()
  summary.exceeded = replayer.exceededLimits
  return report()
}

function isBlank(buffer: Buffer, start: number, end: number): boolean {
  let at = start
  while (at < end && (buffer[at] as number) <= 0x20) at++
  return at === end
}
