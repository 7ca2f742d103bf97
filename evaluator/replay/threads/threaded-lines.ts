import { LINE_FEED } from '../bytes.ts'
import { PADDING_BYTES } from '../json-bytes.ts'
import { type LineVisitor, MAX_LINE_BYTES, visitWhole } from '../lines.ts'
import type { ScanThreads } from './scan-threads.ts'
import { ENTRY_WIDTH, type ScanAnswer, SLOT_BYTES, type Slot, UNREAD } from './slot.ts'

/** Receives the lines of a stream in their order. */
export interface ThreadedVisitor extends Required<LineVisitor> {
  /** Takes what is told with the lines of a slot, before them. */
  learn(worker: number, answer: ScanAnswer): void
  /** Takes a line that a worker has scanned. @returns false when it has to be scanned again */
  scanned(worker: number, slot: Slot, line: Scanned): boolean
}

/** A line that a worker has scanned. */
export interface Scanned {
  /** Epoch ms. */
  at: number
  start: number
  end: number
  /** Its entries in the slot. */
  firstEntry: number
  entryEnd: number
}

/** Whole lines in a slot that wait until the lines before them have been read. */
interface Batch {
  readonly slot: number
  readonly length: number
  readonly scan: { worker: number; answer: Promise<ScanAnswer> } | undefined
}

/**
 * Cuts a stream into lines, as `visitLines` does, and lets threads scan them in parallel. The visitor receives all lines in their
 * order. While all threads are busy, the main thread scans lines as well.
 */
export async function visitLinesInThreads(
  stream: AsyncIterable<Buffer>,
  threads: ScanThreads,
  visitor: ThreadedVisitor,
  afterChunk: (bytes: number) => Promise<void> | void,
): Promise<void> {
  const lines = new ThreadedLines(threads, visitor)
  for await (const chunk of stream) {
    await lines.add(chunk)
    await afterChunk(chunk.length)
  }
  await lines.end()
}

class ThreadedLines {
  readonly #threads: ScanThreads
  readonly #visitor: ThreadedVisitor
  readonly #free: number[]
  #batches: Batch[] = []
  #slot: number
  /** Bytes in the slot that is filled. */
  #filled = 0
  /** The beginning of a line that no slot can hold. */
  #long: Buffer[] = []
  #longBytes = 0
  #isSkipping = false

  constructor(threads: ScanThreads, visitor: ThreadedVisitor) {
    this.#threads = threads
    this.#visitor = visitor
    this.#free = [...threads.slots.keys()].slice(1)
    this.#slot = 0
  }

  async add(chunk: Buffer): Promise<void> {
    let from = 0
    if (this.#isInLongLine) {
      const end = chunk.indexOf(LINE_FEED)
      this.#addLong(chunk.subarray(0, end < 0 ? chunk.length : end))
      if (end < 0) return
      this.#endLong()
      from = end + 1
    }
    while (from < chunk.length) {
      const copied = chunk.copy(
        this.#bytes,
        this.#filled,
        from,
        Math.min(chunk.length, from + SLOT_BYTES - this.#filled),
      )
      this.#filled += copied
      from += copied
      if (this.#filled === SLOT_BYTES) from = await this.#full(chunk, from)
    }
  }

  /** Reads what is left. */
  async end(): Promise<void> {
    const rest = await this.#submit()
    while (this.#batches.length > 0) await this.#readFirst()
    if (this.#isInLongLine) this.#endLong()
    else if (rest.length > 0) this.#visitor.line(Buffer.concat([rest, Buffer.of(LINE_FEED)]), 0, rest.length)
  }

  get #bytes(): Buffer {
    return (this.#threads.slots[this.#slot] as Slot).bytes
  }

  get #isInLongLine(): boolean {
    return this.#longBytes > 0 || this.#isSkipping
  }

  /** Passes on a full slot and begins the next one with its unfinished line. @returns from where the chunk is read on */
  async #full(chunk: Buffer, from: number): Promise<number> {
    const rest = await this.#submit()
    if (rest.length < SLOT_BYTES) {
      this.#filled = rest.copy(this.#bytes)
      return from
    }
    while (this.#batches.length > 0) await this.#readFirst()
    this.#addLong(rest)
    const end = chunk.indexOf(LINE_FEED, from)
    this.#addLong(chunk.subarray(from, end < 0 ? chunk.length : end))
    if (end < 0) return chunk.length
    this.#endLong()
    return end + 1
  }

  /** Passes on the whole lines in the slot. @returns the unfinished line after them */
  async #submit(): Promise<Buffer> {
    const bytes = this.#bytes
    const filled = bytes.subarray(0, this.#filled)
    const length = filled.lastIndexOf(LINE_FEED) + 1
    const rest = Buffer.from(filled.subarray(length))
    this.#filled = 0
    if (length === 0) return rest
    bytes.fill(0, length, length + PADDING_BYTES)
    const scan = this.#threads.submit({ slot: this.#slot, length })
    this.#batches.push({ slot: this.#slot, length, scan })
    while (this.#free.length === 0) await this.#readFirst()
    this.#slot = this.#free.shift() as number
    return rest
  }

  /** Reads the lines that come next. */
  async #readFirst(): Promise<void> {
    const batch = this.#batches.shift()
    if (!batch) throw new Error('no lines are waiting')
    const slot = this.#threads.slots[batch.slot] as Slot
    const buffer = slot.bytes.subarray(0, batch.length + PADDING_BYTES)
    let start = 0
    if (batch.scan) {
      const answer = await batch.scan.answer
      this.#visitor.learn(batch.scan.worker, answer)
      start = this.#readScanned(slot, buffer, batch.scan.worker, answer)
    }
    visitWhole(buffer, start, this.#visitor)
    this.#free.push(batch.slot)
  }

  #readScanned(slot: Slot, buffer: Buffer, worker: number, { lines, end }: ScanAnswer): number {
    const visitor = this.#visitor
    const scanned: Scanned = { at: 0, start: 0, end: 0, firstEntry: 0, entryEnd: 0 }
    for (let line = 0; line < lines; line++) {
      const count = slot.counts[line] as number
      scanned.end = slot.ends[line] as number
      scanned.at = slot.times[line] as number
      scanned.firstEntry = scanned.entryEnd
      if (count !== UNREAD) scanned.entryEnd += ENTRY_WIDTH * count
      if (count === UNREAD || !visitor.scanned(worker, slot, scanned)) {
        if (visitor.scan(buffer, scanned.start) < 0) visitor.line(buffer, scanned.start, scanned.end)
      }
      scanned.start = scanned.end + 1
    }
    return end
  }

  #addLong(piece: Buffer): void {
    if (this.#isSkipping) return
    this.#long.push(Buffer.from(piece))
    this.#longBytes += piece.length
    if (this.#longBytes <= MAX_LINE_BYTES) return
    this.#isSkipping = true
    this.#long = []
    this.#longBytes = 0
  }

  #endLong(): void {
    if (this.#isSkipping) this.#visitor.tooLong()
    else this.#visitor.line(Buffer.concat([...this.#long, Buffer.of(LINE_FEED)]), 0, this.#longBytes)
    this.#isSkipping = false
    this.#long = []
    this.#longBytes = 0
  }
}
