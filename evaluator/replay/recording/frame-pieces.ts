import { FrameError, parseFrames, type SyslogMessage } from '../../intake/logplex-frames.ts'

/** A frame longer than this is none of a drain's; Heroku splits a line at 10,000 bytes. */
const longestFrameBytes = 1024 * 1024
const mostDigits = String(longestFrameBytes).length
const space = 0x20
const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39

export interface FrameVisitor {
  frame(message: SyslogMessage): void
  /** Bytes that are no frame; counted from 0. */
  broken(at: number, reason: string): void
}

/**
 * Takes drain bodies that stand back to back apart into frames, in memory that one frame needs. After bytes that are no frame it
 * goes on behind the next line feed, where a frame may begin.
 */
export class FramePieces {
  private readonly visitor: FrameVisitor
  private rest = Buffer.alloc(0)
  private position = 0
  private lost = false

  constructor(visitor: FrameVisitor) {
    this.visitor = visitor
  }

  write(chunk: Buffer): void {
    let bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk
    for (let taken = this.take(bytes); taken > 0; taken = this.take(bytes)) {
      bytes = bytes.subarray(taken)
      this.position += taken
    }
    // Copied, for the stream may use its chunk again.
    this.rest = Buffer.from(bytes)
  }

  end(): void {
    if (this.rest.toString('latin1').trim() !== '') this.visitor.broken(this.position, 'is a frame that breaks off')
  }

  /** @returns how many bytes are done with; 0 while more are wanted */
  private take(bytes: Buffer): number {
    if (this.lost) return this.resume(bytes)
    if (bytes.length > 0 && (bytes[0] as number) <= space) return 1
    let at = 0
    while (at < bytes.length && isDigit(bytes[at])) at++
    if (at === bytes.length && at <= mostDigits) return 0
    const length = Number(bytes.toString('latin1', 0, at))
    if (at === 0 || bytes[at] !== space || length > longestFrameBytes) return this.lose('is not a frame', bytes)
    const end = at + 1 + length
    if (bytes.length < end) return 0
    try {
      const [message] = parseFrames(bytes.subarray(0, end))
      if (message) this.visitor.frame(message)
      return end
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      return this.lose(error.message.replace(/^frame at byte \d+: /, ''), bytes)
    }
  }

  private lose(reason: string, bytes: Buffer): number {
    this.visitor.broken(this.position, reason)
    this.lost = true
    return this.resume(bytes)
  }

  private resume(bytes: Buffer): number {
    const lineFeed = bytes.indexOf(0x0a)
    this.lost = lineFeed < 0
    return lineFeed < 0 ? bytes.length : lineFeed + 1
  }
}
