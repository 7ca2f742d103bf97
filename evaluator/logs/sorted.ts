import type { EpochSink } from '../intake/epoch.ts'
import type { IndexedLog } from '../log.ts'
import { EventError, EventReader, type EventSink } from '../replay/event-reader.ts'
import { MAX_LINE_BYTES, visitLines } from '../replay/lines.ts'
import type { RecordingForm } from '../replay/recording/forms.ts'
import { type Recording, readRecording } from '../replay/recording/recording.ts'
import { isAsItStands } from '../replay/replay-stream.ts'
import { type LogInput, placed } from './log-input.ts'
import { TimeSort } from './time-sort.ts'

/** Receives what of the logs cannot be sorted. */
export interface SortVisitor {
  malformed(place: string, reason: string, isPartly?: boolean): void
  readonly epoch: EpochSink
  progress?(bytes: number): void
}

/**
 * Sorts all logs by time.
 * @returns one recording: lines as they are if every file has JSON lines, otherwise records as an archive has them
 */
export async function sortedByTime(input: LogInput, visitor: SortVisitor): Promise<Recording> {
  const sort = new TimeSort()
  try {
    const isPlain = isAsItStands(input.reading) && (await input.isAll('jsonl'))
    const form: RecordingForm = isPlain ? 'jsonl' : 'export'
    input.keepNoMore()
    for await (const recording of input.recordings()) {
      if (form === 'jsonl') await addLines(recording, sort, visitor)
      else await addLogs(recording, sort, visitor, input)
    }
    return { name: undefined, form, stream: streamOf(sort) }
  } catch (error) {
    sort.close()
    throw error
  }
}

async function* streamOf(sort: TimeSort): AsyncGenerator<Buffer> {
  yield* sort.sorted()
}

/** Adds lines as they are, by their time, which is found without reading the rest of them. */
async function addLines({ name, stream }: Recording, sort: TimeSort, visitor: SortVisitor): Promise<void> {
  let at = 0
  const sink = new TimeSink((found) => {
    at = found
  })
  const reader = new EventReader([], sink)
  let line = 0
  const malformed = (reason: string) => visitor.malformed(placed(name, `line ${line}`), reason)
  await visitLines(
    stream,
    {
      scan(buffer, start) {
        const end = reader.scan(buffer, start)
        if (end < 0) return end
        line++
        sort.add(at, buffer, start, end)
        return end
      },
      line(buffer, start, end) {
        line++
        if (buffer.toString('latin1', start, end).trim() === '') return
        try {
          reader.read(buffer, start, end)
          sort.add(at, buffer, start, end)
        } catch (error) {
          if (!(error instanceof EventError)) throw error
          malformed(error.message)
        }
      },
      tooLong() {
        line++
        malformed(`is longer than ${MAX_LINE_BYTES / 1024 / 1024} MiB`)
      },
    },
    visitor.progress,
  )
  for (const [unit, key] of reader.epochs) visitor.epoch(unit, key)
}

/** Takes the time of an event, and nothing else of it. */
class TimeSink implements EventSink {
  readonly begin: (at: number) => void

  constructor(begin: (at: number) => void) {
    this.begin = begin
  }

  push(_log: unknown, at: number): void {
    this.begin(at)
  }

  isLate(): boolean {
    return false
  }

  groupOf(): never {
    throw new RangeError('there is no monitor')
  }

  placesOf(): never {
    throw new RangeError('there is no monitor')
  }

  enter(): void {}
  read(): void {}
}

/** Adds logs in the form of an archive, in which a log of every form is whole. */
async function addLogs(recording: Recording, sort: TimeSort, visitor: SortVisitor, input: LogInput): Promise<void> {
  const { name, form, stream } = recording
  await readRecording(
    stream,
    form,
    {
      log: (log) => sort.add(log.timestamp, Buffer.from(archived(log))),
      malformed: (place, reason, isPartly) => visitor.malformed(placed(name, place), reason, isPartly),
      epoch: visitor.epoch,
      ...(visitor.progress && { piece: visitor.progress }),
    },
    input.reading,
  )
}

const archived = ({ id, timestamp, ...log }: IndexedLog): string =>
  JSON.stringify({ _id: id, date: new Date(timestamp).toISOString(), ...log })
