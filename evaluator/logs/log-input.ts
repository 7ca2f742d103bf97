import { open } from 'node:fs/promises'
import { FileError, reasonOf } from '../file-error.ts'
import type { EpochSink } from '../intake/epoch.ts'
import type { IndexedLog } from '../log.ts'
import { fileChunks } from '../replay/lines.ts'
import { detectForm } from '../replay/recording/detect-form.ts'
import { FORMS, type RecordingForm } from '../replay/recording/forms.ts'
import { type Reading, type Recording, readRecording } from '../replay/recording/recording.ts'
import { type LogFile, logFilesOf, STDIN } from './files.ts'
import { KeptStream } from './kept-stream.ts'
import { unpacked } from './unpack.ts'

export interface LogOptions {
  /** The form of every file, instead of the one that its first bytes show. */
  readonly form?: RecordingForm | undefined
  readonly reading?: Reading
  /** Whether the logs may be read more than once, so that a pipe has to be kept. */
  readonly keep?: boolean
  /** Whether one of several files that cannot be read is passed over and said, instead of ending the run. */
  readonly passOver?: boolean
  /** Called once for each remark on how the logs are read. */
  readonly say?: (text: string) => void
}

/** Where a log stands. */
export interface LogPlace {
  /** Undefined if there is one file only. */
  readonly file: string | undefined
  /** `line 7`, or of other forms `row 7`, `record 7`, `frame 7`. */
  readonly place: string
}

/** The logs that a person names: files, folders, packed or not, in any of the known forms, and standard input. */
export class LogInput {
  readonly reading: Reading
  readonly #files: readonly LogFile[]
  readonly #options: LogOptions
  readonly #kept = new Map<LogFile, KeptStream>()
  readonly #forms = new Map<LogFile, RecordingForm>()
  readonly #said = new Set<string>()
  readonly #unreadable = new Set<LogFile>()

  /** @throws FileError for a path that cannot be read */
  static async of(paths: readonly string[], options: LogOptions = {}): Promise<LogInput> {
    const { files, repeated } = await logFilesOf(paths)
    for (const name of repeated) options.say?.(`${name} is named more than once: it is read once.`)
    return new LogInput(files, options)
  }

  /** The logs of one stream of bytes. */
  static ofStream(stream: AsyncIterable<Buffer>, options: LogOptions = {}): LogInput {
    return new LogInput([{ name: STDIN, rereadable: false, stream }], options)
  }

  private constructor(files: readonly LogFile[], options: LogOptions) {
    this.#files = files
    this.#options = options
    this.reading = options.reading ?? {}
  }

  /** How many files could not be read, or not to their end, and were passed over. */
  get unreadable(): number {
    return this.#unreadable.size
  }

  /**
   * The contents of each file, one after another. A file is open only while it is read.
   * @throws FileError when a file cannot be read and is not passed over
   */
  async *recordings(): AsyncGenerator<Recording> {
    for (const file of this.#files) {
      const detected = await this.#detected(file)
      if (!detected) continue
      const { form, stream } = detected
      this.#sayForm(file, form)
      yield { name: this.#files.length > 1 ? file.name : undefined, form, stream: this.#toItsFault(stream, file) }
    }
  }

  /** Reads every log, in the order of the files. What is not a log is given to `malformed`, with its place. */
  async visit(
    take: (log: IndexedLog, place: LogPlace) => void,
    malformed: (place: string, reason: string) => void = () => {},
    epoch: EpochSink = () => {},
  ): Promise<void> {
    for await (const { name, form, stream } of this.recordings()) {
      const fault = (place: string, reason: string) => malformed(placed(name, place), reason)
      const log = (each: IndexedLog, _: unknown, place: string) => take(each, { file: name, place })
      await readRecording(stream, form, { log, malformed: fault, epoch }, this.reading)
    }
  }

  /** Whether every file has this form. */
  async isAll(form: RecordingForm): Promise<boolean> {
    for (const file of this.#files) {
      if (!this.#forms.has(file)) await (await this.#detected(file))?.close()
      if ((this.#forms.get(file) ?? form) !== form) return false
    }
    return true
  }

  /** Says that the logs are read once more and not again. */
  keepNoMore(): void {
    for (const kept of this.#kept.values()) kept.keepNoMore()
  }

  say(text: string): void {
    if (this.#said.has(text)) return
    this.#said.add(text)
    this.#options.say?.(text)
  }

  close(): void {
    for (const kept of this.#kept.values()) kept.close()
  }

  /** @returns undefined for a file that is passed over */
  async #detected(file: LogFile): Promise<Detected | undefined> {
    try {
      const stream = unpacked(await this.#open(file), file.name, (text) => this.say(text))
      const { form } = this.#options
      const detected = form ? { form, stream } : await detectForm(stream)
      this.#forms.set(file, detected.form)
      return { ...detected, close: () => stream.return(undefined) }
    } catch (error) {
      this.#passOver(file, error)
      return undefined
    }
  }

  async *#toItsFault(stream: AsyncIterable<Buffer>, file: LogFile): AsyncGenerator<Buffer> {
    try {
      yield* stream
    } catch (error) {
      this.#passOver(file, error)
    }
  }

  /** @throws the error, unless the file is one of several and may be passed over */
  #passOver(file: LogFile, error: unknown): void {
    if (!this.#options.passOver || this.#files.length === 1 || !(error instanceof FileError)) throw error
    this.#unreadable.add(file)
    this.say(`${error.message}. What is before that, and the other files, are read.`)
  }

  #sayForm({ name }: LogFile, form: RecordingForm): void {
    if (form === 'jsonl' || this.#options.form || this.#said.has(form)) return
    this.#said.add(form)
    this.#options.say?.(`${name === STDIN ? 'Standard input' : name} is read as ${form}: ${FORMS[form]}.`)
  }

  async #open(file: LogFile): Promise<AsyncIterable<Buffer>> {
    const again = this.#kept.get(file)
    if (again) return again.read()
    const stream = file.stream ?? (file.name === STDIN ? process.stdin : await contentOf(file.name))
    if (file.rereadable || !this.#options.keep) return stream
    const kept = new KeptStream(stream)
    this.#kept.set(file, kept)
    return kept.read()
  }
}

/** A place for people. @param name of the file; undefined if there is one only */
export const placed = (name: string | undefined, place: string): string =>
  name === undefined ? place : `${name}: ${place}`

interface Detected {
  readonly form: RecordingForm
  readonly stream: AsyncIterable<Buffer>
  /** Must be called if the stream is not read. */
  close(): Promise<unknown>
}

async function contentOf(file: string): Promise<AsyncIterable<Buffer>> {
  try {
    return fileChunks(await open(file))
  } catch (error) {
    throw new FileError(file, reasonOf(error))
  }
}
