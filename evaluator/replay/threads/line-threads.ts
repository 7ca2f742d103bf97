import type { EventReader } from '../event-reader.ts'
import { type LineVisitor, visitLines } from '../lines.ts'
import type { Replayer } from '../replay.ts'
import { EntryPlayer } from './entry-player.ts'
import { ScanThreads } from './scan-threads.ts'
import { visitLinesInThreads } from './threaded-lines.ts'

/** More would not find work. */
export const MAX_THREADS = 64

/** Counts a line that was scanned. `buffer[end]` is its line feed. */
type CountScanned = (buffer: Buffer, start: number, end: number) => void

/** Reads the lines of a replay with one thread or several, which are started when they are needed first. */
export class LineThreads {
  readonly #count: number
  readonly #reader: EventReader
  readonly #replayer: Replayer
  #started: { readonly threads: ScanThreads; readonly players: readonly EntryPlayer[] } | undefined

  /** @param count the number of threads, this one included */
  constructor(count: number, reader: EventReader, replayer: Replayer) {
    this.#count = count
    this.#reader = reader
    this.#replayer = replayer
  }

  async visit(
    stream: AsyncIterable<Buffer>,
    lines: Required<LineVisitor>,
    countScanned: CountScanned,
    afterChunk: (bytes: number) => void,
  ): Promise<void> {
    if (this.#count === 1) {
      await visitLines(stream, lines, afterChunk)
      return
    }
    const { threads, players } = await this.#start()
    const reader = this.#reader
    const replayer = this.#replayer
    const visitor: Parameters<typeof visitLinesInThreads>[2] = {
      ...lines,
      learn(worker, answer) {
        players[worker]?.learn(answer)
        reader.learn(answer.seen)
        for (const [unit, key] of answer.epochs) reader.onEpoch(unit, key)
      },
      scanned(worker, slot, { at, start, end, firstEntry, entryEnd }) {
        if (replayer.isLate(at)) return false
        replayer.begin(at)
        players[worker]?.play(slot.entries, firstEntry, entryEnd)
        countScanned(slot.bytes, start, end)
        return true
      },
    }
    await visitLinesInThreads(stream, threads, visitor, afterChunk)
  }

  async close(): Promise<void> {
    await this.#started?.threads.close()
  }

  async #start() {
    if (this.#started) return this.#started
    const { sources } = this.#replayer
    const threads = await ScanThreads.start(this.#count - 1, sources)
    const players = Array.from({ length: this.#count - 1 }, () => new EntryPlayer(sources, this.#replayer))
    this.#started = { threads, players }
    return this.#started
  }
}
