import { Spill } from './spill.ts'

/** A stream that can be read twice although its source cannot: what has been read is kept. */
export class KeptStream {
  readonly #rest: AsyncIterator<Buffer>
  readonly #kept = new Spill()
  #keeps = true
  #reading: Promise<IteratorResult<Buffer>> | undefined

  constructor(stream: AsyncIterable<Buffer>) {
    this.#rest = stream[Symbol.asyncIterator]()
  }

  /** Reads the stream from its beginning. An earlier reader must have stopped. */
  async *read(): AsyncGenerator<Buffer> {
    // The earlier reader may have stopped while it waited for bytes.
    await this.#reading
    yield* this.#kept.read()
    for (;;) {
      // Not by `for await`, which would close the source when this reader stops.
      const next = await this.#next()
      if (next.done) return
      yield next.value
    }
  }

  /** Says that nobody reads from the beginning again once the next reader has begun. */
  keepNoMore(): void {
    this.#keeps = false
  }

  close(): void {
    this.#kept.clear()
  }

  #next(): Promise<IteratorResult<Buffer>> {
    const reading = this.#rest.next().then((next) => {
      this.#reading = undefined
      if (!next.done && this.#keeps) this.#kept.append(next.value)
      return next
    })
    this.#reading = reading
    return reading
  }
}
