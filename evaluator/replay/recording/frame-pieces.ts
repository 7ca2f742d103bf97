import { FrameError, parseFrames, type SyslogMessage } from '../../intake/logplex-frames.ts'
import { byteAt, isDigit, LINE_FEED, SPACE } from '../bytes.ts'

/** Longer frames are refused: Heroku splits a line at 10,000 bytes. */
const MAX_FRAME_BYTES = 1024 * 1024
const MAX_DIGITS = String(MAX_FRAME_BYTES).length

/** Receives the frames of a recorded drain. */
export interface FrameVisitor {
  frame(message: SyslogMessage): void
  /** Bytes that are not a frame. @param at the position of the first of them, from 0 */
  broken(at: number, reason: string): void
}

/**
 * Splits consecutive bodies of a drain into frames, in the memory of one frame. After bytes that are not a frame, it continues after
 * the next line feed, where a frame may begin.
 */
export class FramePieces {
  readonly #visitor: FrameVisitor
  #rest = Buffer.alloc(0)
  #position = 0
  /** Whether bytes are skipped up to the next line feed. */
  #isSkipping = false

  constructor(visitor: FrameVisitor) {
    this.#visitor = visitor
  }

  write(chunk: Buffer): void {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    for (let taken = this.#readOne(bytes); taken > 0; taken = this.#readOne(bytes)) {
      bytes = bytes.subarray(taken)
      this.#position += taken
    }
    // Copied, because the stream may use the chunk again.
    this.#rest = Buffer.from(bytes)
  }

  end(): void {
    if (this.#rest.toString('latin1').trim() !== '') this.#visitor.broken(this.#position, 'is an incomplete frame')
  }

  /** @returns the number of bytes that were read; 0 when the frame is incomplete */
  #readOne(bytes: Buffer): number {
    if (this.#isSkipping) return this.#skipLine(bytes)
    if (bytes.length > 0 && byteAt(bytes, 0) <= SPACE) return 1
    let at = 0
    while (at < bytes.length && isDigit(bytes[at])) at++
    if (at === bytes.length && at <= MAX_DIGITS) return 0
    const length = Number(bytes.toString('latin1', 0, at))
    if (at === 0 || bytes[at] !== SPACE || length > MAX_FRAME_BYTES) return this.#fail('is not a frame', bytes)
    const end = at + 1 + length
    if (bytes.length < end) return 0
    try {
      const [message] = parseFrames(bytes.subarray(0, end))
      if (message) this.#visitor.frame(message)
      return end
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      return this.#fail(error.message.replace(/^frame at byte \d+: /, ''), bytes)
    }
  }

  #fail(reason: string, bytes: Buffer): number {
    this.#visitor.broken(this.#position, reason)
    this.#isSkipping = true
    return this.#skipLine(bytes)
  }

  #skipLine(bytes: Buffer): number {
    const lineFeed = bytes.indexOf(LINE_FEED)
    this.#isSkipping = lineFeed < 0
    return lineFeed < 0 ? bytes.length : lineFeed + 1
  }
}
