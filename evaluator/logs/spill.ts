import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readSync, rmSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reasonOf } from '../file-error.ts'
import { InputError } from '../input-error.ts'

const CHUNK_BYTES = 256 * 1024
/** So much is kept in memory before a file is made. */
const MEMORY_BYTES = 1024 * 1024

/** There is no room for what has to be kept while logs are read. */
class SpillError extends InputError {
  override readonly name = 'SpillError'
  constructor(error: unknown) {
    super(`Temporary data cannot be kept in ${tmpdir()}: ${reasonOf(error)}. TMPDIR names another folder.`)
  }
}

/**
 * A temporary file, which nobody else can read. Its name is removed as soon as it is open, so that nothing stays behind however the
 * process ends. It is written at its end and read anywhere, without waiting: it is as fast as memory while it is in the cache.
 */
export class TempFile {
  size = 0
  readonly #fd: number
  /** Its path, where an open file cannot be removed. */
  #path: string | undefined

  constructor() {
    const path = join(tmpdir(), `alertproof-${randomUUID()}`)
    try {
      this.#fd = openSync(path, 'wx+', 0o600)
    } catch (error) {
      throw new SpillError(error)
    }
    try {
      unlinkSync(path)
    } catch {
      this.#path = path
    }
  }

  append(bytes: Buffer, start = 0, end = bytes.length): void {
    try {
      for (let at = start; at < end; ) {
        const written = writeSync(this.#fd, bytes, at, end - at, this.size)
        at += written
        this.size += written
      }
    } catch (error) {
      throw new SpillError(error)
    }
  }

  /** @returns the number of bytes that were read; fewer than wanted at the end of the file only */
  read(into: Buffer, at: number, length: number, position: number): number {
    let read = 0
    while (read < length) {
      const more = readSync(this.#fd, into, at + read, length - read, position + read)
      if (more === 0) break
      read += more
    }
    return read
  }

  close(): void {
    closeSync(this.#fd)
    if (this.#path !== undefined) rmSync(this.#path, { force: true })
    this.#path = undefined
  }
}

/** Keeps any number of bytes, in memory as long as they are few. */
export class Spill {
  #pieces: Buffer[] = []
  #bytes = 0
  #file: TempFile | undefined

  append(bytes: Buffer): void {
    if (this.#bytes + bytes.length > MEMORY_BYTES) this.#write()
    if (bytes.length > MEMORY_BYTES) {
      this.#file ??= new TempFile()
      this.#file.append(bytes)
      return
    }
    // Copied, because the stream may use the chunk again.
    this.#pieces.push(Buffer.from(bytes))
    this.#bytes += bytes.length
  }

  /** All bytes from the first one on. A chunk is valid until the next one is read. */
  *read(): Generator<Buffer> {
    const file = this.#file
    if (file) {
      const buffer = Buffer.alloc(CHUNK_BYTES)
      for (let at = 0; at < file.size; at += CHUNK_BYTES) {
        yield buffer.subarray(0, file.read(buffer, 0, Math.min(CHUNK_BYTES, file.size - at), at))
      }
    }
    yield* this.#pieces
  }

  /** Forgets everything. */
  clear(): void {
    this.#pieces = []
    this.#bytes = 0
    this.#file?.close()
    this.#file = undefined
  }

  #write(): void {
    if (this.#pieces.length === 0) return
    this.#file ??= new TempFile()
    this.#file.append(Buffer.concat(this.#pieces))
    this.#pieces = []
    this.#bytes = 0
  }
}
