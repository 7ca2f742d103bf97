import type { ExceededLimit } from '../evaluate/evaluate.ts'
import { NO_DEADLINE, NOT_YET } from '../evaluate/moment.ts'
import type { Transition } from '../evaluate/notices.ts'
import type { EpochUnit } from '../intake/epoch.ts'
import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { SilentTerm } from '../search/silent-terms.ts'
import type { SignalChange } from '../siem/signal.ts'
import { byteAt, SPACE } from './bytes.ts'
import { EventError, EventReader } from './event-reader.ts'
import { MAX_LINE_BYTES } from './lines.ts'
import type { RecordingForm } from './recording/forms.ts'
import { type Reading, type Recording, readRecording } from './recording/recording.ts'
import { Replayer } from './replay.ts'
import type { ReplayOptions } from './replay-options.ts'
import type { ReplayState } from './replay-state.ts'
import { LineThreads } from './threads/line-threads.ts'

/** Receives what a replay finds. */
export interface ReplayVisitor {
  transition(transition: Transition): void
  /** A change of a signal of one of the rules. */
  signal?(change: SignalChange): void
  /** A part of the recording that is not an event. In JSON lines its place is a line number from 1, such as `line 7`. */
  malformed(place: string, reason: string): void
  /** Called after each piece of the stream. */
  progress?(soFar: ReplaySummary): void
}

export interface ReplaySummary {
  bytes: number
  events: number
  malformed: number
  /** Events of which a part could not be read. */
  partly: number
  /** Whether everything was read line by line. */
  isLines: boolean
  /** Events that a monitor did not count only because they came later than the lateness allows. */
  dropped: number
  /** Epoch ms of the newest event, and of the oldest of those that were not too late. */
  newest: number
  oldest: number
  /** Units other than milliseconds in which dates were given as numbers, each with a key that held one. */
  epochs: ReadonlyMap<EpochUnit, string>
  /** Monitors that had more groups than Datadog evaluates. */
  exceeded: readonly ExceededLimit[]
  /**
   * Terms and facets that no event matched, by the number of their monitor, or of their query after all monitors; not of a log of
   * which this was one part.
   */
  silent: readonly SilentTerm[]
}

/** How recordings are read. */
export interface ReplayReading {
  readonly reading?: Reading
  /** The state at the end of the earlier part of the recording. */
  readonly resume?: ReplayState | undefined
  /** Receives the state at the end of this part, when another part follows. No time passes after the last log then. */
  readonly pause?: ((state: ReplayState) => Promise<void>) | undefined
  /** The number of threads that read JSON lines, 1 by default. The result is the same with any number. */
  readonly threads?: number
  /** Called when a log that a monitor counts came later than the lateness allows. May throw to stop. */
  readonly onDropped?: () => void
}

export interface ReplaySource extends ReplayReading {
  /** `jsonl` by default. */
  readonly form?: RecordingForm
}

/** So many lines are read as a whole for the names of their fields; then one in 8192, which costs about nothing. */
const FIRST_SAMPLES = 16
const SAMPLE_MASK = 8_191

/** Evaluates monitors over a recording of any length. The memory that it takes depends on the windows only. */
export function replayStream(
  stream: AsyncIterable<Buffer>,
  monitors: readonly Monitor[],
  options: ReplayOptions,
  visitor: ReplayVisitor,
  { form = 'jsonl', ...reading }: ReplaySource = {},
): Promise<ReplaySummary> {
  return replayRecordings([{ name: undefined, form, stream }], monitors, options, visitor, reading)
}

/** Evaluates monitors over recordings that follow each other as one. */
export async function replayRecordings(
  recordings: Iterable<Recording> | AsyncIterable<Recording>,
  monitors: readonly Monitor[],
  options: ReplayOptions,
  visitor: ReplayVisitor,
  { reading = {}, resume, pause, threads = 1, onDropped = () => {} }: ReplayReading = {},
): Promise<ReplaySummary> {
  const replayer = new Replayer(
    monitors,
    options,
    (transition) => visitor.transition(transition),
    (change) => visitor.signal?.(change),
  )
  if (resume) replayer.restore(resume)
  const reader = new EventReader(replayer.sources, replayer)
  const summary: ReplaySummary = {
    bytes: 0,
    events: 0,
    malformed: 0,
    partly: 0,
    isLines: true,
    dropped: 0,
    newest: NOT_YET,
    oldest: NO_DEADLINE,
    epochs: reader.epochs,
    exceeded: [],
    silent: [],
  }
  let name: string | undefined
  let line = 0
  let dropped = replayer.dropped
  const malformed = (place: string, reason: string, isPartly = false) => {
    if (isPartly) summary.partly++
    else summary.malformed++
    visitor.malformed(name === undefined ? place : `${name}: ${place}`, reason)
  }
  const checkDropped = () => {
    if (replayer.dropped === dropped) return
    dropped = replayer.dropped
    onDropped()
  }
  const whole = (log: IndexedLog) => {
    summary.events++
    reader.observe(log)
    replayer.push(log, log.timestamp)
    checkDropped()
  }
  const countScanned = (buffer: Buffer, start: number, end: number) => {
    line++
    summary.events++
    if (line <= FIRST_SAMPLES || (line & SAMPLE_MASK) === 0) reader.sample(buffer, start, end)
  }
  const lines = {
    scan(buffer: Buffer, start: number) {
      const end = reader.scan(buffer, start)
      if (end >= 0) countScanned(buffer, start, end)
      return end
    },
    line(buffer: Buffer, start: number, end: number) {
      line++
      if (isBlank(buffer, start, end)) return
      try {
        reader.read(buffer, start, end)
        summary.events++
        checkDropped()
      } catch (error) {
        if (!(error instanceof EventError)) throw error
        malformed(`line ${line}`, error.message)
      }
    },
    tooLong() {
      line++
      malformed(`line ${line}`, `is longer than ${MAX_LINE_BYTES / 1024 / 1024} MiB`)
    },
  }
  const report = () =>
    Object.assign(summary, { dropped: replayer.dropped, newest: replayer.newest, oldest: replayer.oldest })
  const piece = (bytes: number) => {
    summary.bytes += bytes
    visitor.progress?.(report())
  }
  const isPlain = isAsItStands(reading)
  const pool = new LineThreads(threads, reader, replayer)
  try {
    for await (const recording of recordings) {
      name = recording.name
      line = 0
      const { form, stream } = recording
      if (form !== 'jsonl') summary.isLines = false
      if (form === 'jsonl' && isPlain) await pool.visit(stream, lines, countScanned, piece)
      else await readRecording(stream, form, { log: whole, malformed, epoch: reader.onEpoch, piece }, reading)
    }
  } finally {
    await pool.close()
  }
  if (pause) await pause(replayer.save())
  else replayer.finish()
  summary.exceeded = replayer.exceededLimits
  if (!resume && !pause && summary.events > 0) summary.silent = reader.silentTerms
  return report()
}

/** Whether the lines of a recording say everything themselves, so that not all of each need be read. */
export const isAsItStands = ({ timeField, pipelines = [] }: Reading): boolean =>
  timeField === undefined && pipelines.length === 0

function isBlank(buffer: Buffer, start: number, end: number): boolean {
  let at = start
  while (at < end && byteAt(buffer, at) <= SPACE) at++
  return at === end
}
