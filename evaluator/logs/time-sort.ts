import { Heap } from '../heap.ts'
import { LINE_FEED } from '../replay/bytes.ts'
import { TempFile } from './spill.ts'

/** The bytes of lines that are sorted in memory; more than the longest line. */
const MEMORY_BYTES = 24 * 1024 * 1024
const MAX_ROWS = 500_000
/** The sorted runs that are merged at a time, and the bytes of each that are in memory. */
const MAX_RUNS = 128
const RUN_BYTES = 64 * 1024
const OUT_BYTES = 256 * 1024
/** Before each line in a run: its time as a double, and the number of its bytes. */
const HEAD_BYTES = 12

/**
 * Sorts any number of lines by time in bounded memory: sorted runs are written to a temporary file and merged. Lines of one instant
 * stay in their order.
 */
export class TimeSort {
  #memory: Buffer
  readonly #maxRows: number
  #used = 0
  #rows = 0
  readonly #times: Float64Array
  readonly #ends: Uint32Array
  #file: TempFile | undefined
  #runs: Run[] = []

  constructor({ memoryBytes = MEMORY_BYTES, maxRows = MAX_ROWS } = {}) {
    this.#memory = Buffer.allocUnsafe(memoryBytes)
    this.#maxRows = maxRows
    this.#times = new Float64Array(maxRows)
    this.#ends = new Uint32Array(maxRows)
  }

  /** Adds a line, which is copied. @param at epoch ms @param end the position after the line, without a line feed */
  add(at: number, bytes: Buffer, start = 0, end = bytes.length): void {
    const length = end - start + 1
    if (this.#rows === this.#maxRows || this.#used + length > this.#memory.length) this.#writeRun()
    bytes.copy(this.#memory, this.#used, start, end)
    this.#used += length
    this.#memory[this.#used - 1] = LINE_FEED
    this.#times[this.#rows] = at
    this.#ends[this.#rows] = this.#used
    this.#rows++
  }

  /** All lines by time, each with a line feed. A chunk is valid until the next one is read. Ends the sorting. */
  *sorted(): Generator<Buffer> {
    try {
      if (this.#runs.length === 0) yield* inChunks(this.#inMemory())
      else {
        this.#writeRun()
        this.#memory = Buffer.alloc(0)
        yield* inChunks(merged(this.#runs))
      }
    } finally {
      this.close()
    }
  }

  close(): void {
    this.#file?.close()
    this.#file = undefined
    this.#runs = []
  }

  /** The lines in memory by time. */
  *#inMemory(): Generator<Line> {
    const line = { at: 0, bytes: this.#memory, start: 0, end: 0 }
    for (const row of this.#order()) {
      line.at = this.#times[row] ?? 0
      line.start = row === 0 ? 0 : (this.#ends[row - 1] ?? 0)
      line.end = this.#ends[row] ?? 0
      yield line
    }
  }

  #order(): Uint32Array {
    const times = this.#times
    const order = Uint32Array.from({ length: this.#rows }, (_, row) => row)
    const timeOf = (row: number) => times[row] ?? 0
    return order.sort((a, b) => timeOf(a) - timeOf(b) || a - b)
  }

  #writeRun(): void {
    if (this.#rows === 0) return
    this.#file ??= new TempFile()
    this.#runs.push(writeRun(this.#file, this.#inMemory()))
    this.#rows = 0
    this.#used = 0
    if (this.#runs.length < MAX_RUNS) return
    // They become one run of a file of their own, and come before all later runs.
    const file = new TempFile()
    this.#runs = [writeRun(file, merged(this.#runs))]
    this.#file.close()
    this.#file = file
  }
}

/** One line with its line feed. The same object may be given again with another line. */
interface Line {
  at: number
  bytes: Buffer
  start: number
  end: number
}

/** A part of a temporary file with lines in order. */
interface Run {
  readonly file: TempFile
  readonly start: number
  readonly end: number
}

function writeRun(file: TempFile, lines: Iterable<Line>): Run {
  const start = file.size
  const out = Buffer.allocUnsafe(OUT_BYTES)
  let used = 0
  for (const { at, bytes, start: from, end } of lines) {
    const length = end - from
    if (used + HEAD_BYTES + length > out.length) {
      file.append(out, 0, used)
      used = 0
    }
    used = out.writeDoubleLE(at, used)
    used = out.writeUInt32LE(length, used)
    if (used + length > out.length) {
      file.append(out, 0, used)
      file.append(bytes, from, end)
      used = 0
    } else used += bytes.copy(out, used, from, end)
  }
  file.append(out, 0, used)
  return { file, start, end: file.size }
}

/** Reads the lines of a run one after another. */
class RunReader implements Line {
  at = 0
  bytes: Buffer = Buffer.allocUnsafe(RUN_BYTES)
  start = 0
  end = 0
  readonly #run: Run
  /** Where the next bytes of the run are in its file, and where the bytes in memory end. */
  #position: number
  #filled = 0

  constructor(run: Run) {
    this.#run = run
    this.#position = run.start
  }

  /** @returns false when there is no further line */
  next(): boolean {
    if (!this.#fill(this.end, HEAD_BYTES)) return false
    this.at = this.bytes.readDoubleLE(this.end)
    const length = this.bytes.readUInt32LE(this.end + 8)
    this.#fill(this.end, HEAD_BYTES + length)
    this.start = this.end + HEAD_BYTES
    this.end = this.start + length
    return true
  }

  /** Reads until `wanted` bytes from `from` on are in memory. They may move to its beginning, with `end`. */
  #fill(from: number, wanted: number): boolean {
    if (from + wanted <= this.#filled) return true
    const left = this.#filled - from
    const into = wanted > this.bytes.length ? Buffer.allocUnsafe(wanted) : this.bytes
    this.bytes.copy(into, 0, from, this.#filled)
    this.bytes = into
    const more = Math.min(into.length - left, this.#run.end - this.#position)
    this.#filled = left + this.#run.file.read(into, left, more, this.#position)
    this.#position += more
    this.end = 0
    return wanted <= this.#filled
  }
}

function* merged(runs: readonly Run[]): Generator<Line> {
  const readers = runs.map((run, number) => ({ reader: new RunReader(run), number }))
  const heap = new Heap<(typeof readers)[number]>(
    (a, b) => a.reader.at < b.reader.at || (a.reader.at === b.reader.at && a.number < b.number),
  )
  for (const each of readers) if (each.reader.next()) heap.push(each)
  for (let first = heap.pop(); first; first = heap.pop()) {
    // Runs often follow each other in time: one is read as long as it comes before all others.
    const next = heap.first?.reader.at ?? Number.POSITIVE_INFINITY
    let isLeft: boolean
    do {
      yield first.reader
      isLeft = first.reader.next()
    } while (isLeft && first.reader.at < next)
    if (isLeft) heap.push(first)
  }
}

function* inChunks(lines: Iterable<Line>): Generator<Buffer> {
  const out = Buffer.allocUnsafe(OUT_BYTES)
  let used = 0
  for (const { bytes, start, end } of lines) {
    if (used + end - start > out.length && used > 0) {
      yield out.subarray(0, used)
      used = 0
    }
    if (end - start > out.length) yield bytes.subarray(start, end)
    else used += bytes.copy(out, used, start, end)
  }
  if (used > 0) yield out.subarray(0, used)
}
