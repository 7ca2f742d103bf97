import * as z from 'zod'
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

/** `web-1  | …` or `[pod/web/app] …`, with the time of `--timestamps` or without. */
const PREFIXED =
  /^(?:[\w.-]{1,200} *\| ?|\[pod\/[^\]\s]{1,500}\] )(?:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) )?([\s\S]*)$/

/**
 * The form of a line of text that begins with its time or its container. Of a text, both may be a part; of a JSON object
 * they are none.
 */
export function wrappedFormOfText(line: string): WrappedForm | undefined {
  if (CRI.test(line)) return 'cri'
  if (DATED.exec(line)?.[2]?.startsWith('{')) return 'cloudwatch-export'
  return undefined
}

/** Whether a line may stand behind the name of its container. */
export const hasContainer = (line: string): boolean => PREFIXED.test(line)

/**
 * Whether lines stand behind the names of their containers. A text may hold a bar as well, so one of the first lines must
 * be an event or have a time.
 */
export function isCompose(start: string): boolean {
  const lines = start.split('\n', 100)
  if (!hasContainer(lines[0] ?? '')) return false
  return lines.some((line) => {
    const [, time, text = ''] = PREFIXED.exec(line) ?? []
    return text.startsWith('{') || time !== undefined
  })
}

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
 * Decision `wrapped-lines`, undocumented: a log in a wrapper is read as if it had been sent without the wrapper. If it has no
 * time of its own, the time of the wrapper counts. If it has no status and comes from stderr, it is an error.
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
    if (this.#form === 'compose') {
      const found = PREFIXED.exec(line)
      if (!found) throw new EventError('does not begin with the name of its container')
      return { text: found[2] ?? '', time: found[1] }
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

const InsightsFields = z.array(z.object({ field: z.string(), value: z.string().optional() }))
const InsightsResult = z.object({ results: z.array(z.unknown()) })

/** The rows of a result of Logs Insights. @throws EventError for another document */
export function insightsRows(json: string): unknown[] {
  const result = InsightsResult.safeParse(parseEvent(json))
  if (!result.success) throw new EventError('is not a result of Logs Insights: it has no `results`')
  return result.data.results
}

/** Reads a row: an event in `@message`, or the fields that the query names, dated by `@timestamp`. @throws EventError for anything else */
export function logOfInsights(row: unknown, onEpoch?: EpochSink): Unwrapped {
  const cells = InsightsFields.safeParse(row)
  if (!cells.success) throw new EventError('is not a row of Logs Insights: a list of {field, value}')
  const fields = new Map(cells.data.map(({ field, value }) => [field, value]))
  const time = fields.get('@timestamp')
  const message = fields.get('@message')
  if (message !== undefined) return unwrapped({ text: message, time }, onEpoch)
  const named = [...fields].filter(([field, value]) => value !== undefined && !field.startsWith('@'))
  return unwrapped({ text: JSON.stringify(Object.fromEntries(named)), time }, onEpoch)
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
