import { logOfEvent } from '../../app-event.ts'
import type { EpochSink } from '../../intake/epoch.ts'
import { readDate } from '../../intake/preprocess.ts'
import type { IndexedLog } from '../../log.ts'
import { EventError, parseEvent } from '../event-reader.ts'
import { foreignFormOf, logOfForeign } from './foreign-record.ts'
import type { WrappedForm } from './forms.ts'

/** A line of a log in the wrapper that a container runtime or CloudWatch puts around it. */
interface Wrapped {
  readonly text: string
  readonly time: unknown
  readonly stream?: string
  /** Whether the next line of the same stream continues it. */
  readonly isPart?: boolean
}

/** A log, and the event in its wrapper. */
export interface Unwrapped {
  readonly log: IndexedLog
  readonly entry: Record<string, unknown>
}

const CRI = /^(\d{4}-\d\d-\d\dT\S+) (stdout|stderr) ([FP])(?::\S*)? ?([\s\S]*)$/
const DATED = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) ([\s\S]*)$/

/** The form of a line of text that begins with its time. Of a text, the time may be a part; of a JSON object it is none. */
export const wrappedFormOfText = (line: string): WrappedForm | undefined =>
  CRI.test(line) ? 'cri' : DATED.exec(line)?.[2]?.startsWith('{') ? 'cloudwatch-export' : undefined

/** Whether an object is a line of Docker's json-file. */
export const isDocker = ({ log, stream, time }: Record<string, unknown>): boolean =>
  typeof log === 'string' && (stream === 'stdout' || stream === 'stderr') && typeof time === 'string'

const CLOUDWATCH_KEYS = ['id', 'eventId', 'timestamp', 'message', 'ingestionTime', 'logStreamName', 'extractedFields']

/** Whether an object is an event of CloudWatch Logs: of a subscription, or as `aws logs` prints it. */
export const isCloudWatch = (record: Record<string, unknown>): boolean =>
  typeof record.timestamp === 'number' &&
  typeof record.message === 'string' &&
  ['id', 'eventId', 'ingestionTime'].some((key) => key in record) &&
  Object.keys(record).every((key) => CLOUDWATCH_KEYS.includes(key))

/**
 * Reads the lines of one file. A line that its runtime has cut is joined with those that continue it.
 * Decision `wrapped-lines`, undocumented: a log in a wrapper is read as if it had been sent without; where it has no time of its own,
 * that of the wrapper counts, and where it has no status, one of the stream stderr is an error.
 */
export class WrappedLines {
  readonly #form: WrappedForm
  readonly #onEpoch: EpochSink | undefined
  readonly #parts = new Map<string, Wrapped>()

  constructor(form: WrappedForm, onEpoch?: EpochSink) {
    this.#form = form
    this.#onEpoch = onEpoch
  }

  /** @returns undefined for a part of a line @throws EventError when it has not the form */
  read(line: string): Unwrapped | undefined {
    const wrapped = this.#parse(line)
    const { stream = '' } = wrapped
    const before = this.#parts.get(stream)
    const whole = before ? { ...before, text: before.text + wrapped.text } : wrapped
    if (wrapped.isPart) this.#parts.set(stream, whole)
    else this.#parts.delete(stream)
    return wrapped.isPart ? undefined : unwrapped(whole, this.#onEpoch)
  }

  /** The parts that nothing continues. */
  rest(): Unwrapped[] {
    return [...this.#parts.values()].map((part) => unwrapped(part, this.#onEpoch))
  }

  #parse(line: string): Wrapped {
    if (this.#form === 'docker') {
      const record = parseEvent(line)
      if (!isDocker(record)) throw new EventError("is not a line of Docker's json-file")
      const { log, time, stream } = record
      const text = String(log)
      return { text: text.replace(/\r?\n$/, ''), time, stream: String(stream), isPart: !text.endsWith('\n') }
    }
    if (this.#form === 'cri') {
      const [, time, stream = '', flag, text = ''] = CRI.exec(line) ?? []
      if (time === undefined) throw new EventError('is not a line of a container: TIME stdout F …')
      return { text, time, stream, isPart: flag === 'P' }
    }
    const [, time, text = ''] = DATED.exec(line) ?? []
    if (time === undefined) throw new EventError('does not begin with its time')
    return { text, time }
  }
}

/** Reads an event of CloudWatch Logs. @returns undefined for a message to the subscriber itself */
export function logOfCloudWatch(
  { message, timestamp }: Record<string, unknown>,
  onEpoch?: EpochSink,
): IndexedLog | undefined {
  const text = String(message)
  return text.startsWith('CWL CONTROL MESSAGE:') ? undefined : unwrapped({ text, time: timestamp }, onEpoch).log
}

function unwrapped({ text, time, stream }: Wrapped, onEpoch?: EpochSink): Unwrapped {
  const entry = entryOf(text)
  const form = foreignFormOf(entry)
  const log = (form && logOfForeign(form, entry, onEpoch)) ?? logOfEvent(entry, onEpoch)
  if (Number.isNaN(log.timestamp)) log.timestamp = readDate(time, Number.POSITIVE_INFINITY) ?? Number.NaN
  const hasStatus = ['status', 'severity', 'level', 'syslog.severity'].some((key) => key in entry)
  if (stream === 'stderr' && !hasStatus) log.status = 'error'
  return { log, entry }
}

function entryOf(text: string): Record<string, unknown> {
  try {
    return parseEvent(text)
  } catch (error) {
    if (!(error instanceof EventError)) throw error
    return { message: text.trimEnd() }
  }
}
