import type { FileHandle } from 'node:fs/promises'
import { LINE_FEED } from './bytes.ts'

/** Large enough that the cost of a read does not matter, small enough for a processor's cache. */
const CHUNK_BYTES = 256 * 1024

/** Longer lines are skipped and reported, so that memory stays bounded. */
export const MAX_LINE_BYTES = 8 * 1024 * 1024

/** The number of bytes in the buffer after the line feed of a line that is scanned. */
const SCAN_PADDING = 4

export interface LineVisitor {
  /**
   * Tries to read the line that begins at `start`. Its line feed, and four more bytes, are in the buffer.
   * @returns the position of its line feed; a negative number to receive the line by `line`
   */
  scan?(buffer: Buffer, start: number): number
  /** Receives one line; `buffer[end]` is its line feed. The buffer is valid during the call only. */
  line(buffer: Buffer, start: number, end: number): void
  tooLong(): void
}

/**
 * Cuts a stream into lines without copying them.
 * @param stream may give the same buffer again with other bytes
 * @param afterChunk is awaited after each chunk, so that a caller can report progress or stop
 */
export async function visitLines(
  stream: AsyncIterable<Buffer>,
  visitor: LineVisitor,
  afterChunk?: (bytes: number) => Promise<void> | void,
): Promise<void> {
  let rest: Buffer[] = []
  let restBytes = 0
  let skipping = false
  for await (const chunk of stream) {
    let start = 0
    if (restBytes > 0 || skipping) {
      const end = chunk.indexOf(LINE_FEED)
      if (end >= 0) {
        if (skipping) visitor.tooLong()
        else {
          const line = Buffer.concat([...rest, chunk.subarray(0, end + 1)])
          visitor.line(line, 0, line.length - 1)
        }
        rest = []
        restBytes = 0
        skipping = false
        start = end + 1
      }
    }
    if (restBytes === 0 && !skipping) start = visitWhole(chunk, start, visitor)
    if (start < chunk.length && !skipping) {
      rest.push(Buffer.from(chunk.subarray(start)))
      restBytes += chunk.length - start
      if (restBytes > MAX_LINE_BYTES) {
        skipping = true
        rest = []
        restBytes = 0
      }
    }
    await afterChunk?.(chunk.length)
  }
  if (skipping) visitor.tooLong()
  if (restBytes > 0) {
    const line = Buffer.concat([...rest, Buffer.of(LINE_FEED)])
    visitor.line(line, 0, line.length - 1)
  }
}

/** Visits the lines that end in a buffer, after which four bytes follow those that are scanned. @returns the position of the rest, which is an unfinished line */
export function visitWhole(buffer: Buffer, from: number, visitor: LineVisitor): number {
  const last = visitor.scan ? buffer.lastIndexOf(LINE_FEED, -1 - SCAN_PADDING) : -1
  let start = from
  while (start <= last) {
    const scanned = visitor.scan?.(buffer, start) ?? -1
    const end = scanned < 0 ? buffer.indexOf(LINE_FEED, start) : scanned
    if (scanned < 0) visitor.line(buffer, start, end)
    start = end + 1
  }
  for (let end = buffer.indexOf(LINE_FEED, start); end >= 0; end = buffer.indexOf(LINE_FEED, start)) {
    visitor.line(buffer, start, end)
    start = end + 1
  }
  return start
}

/** Reads a file in pieces into one buffer that is used again for each piece. Closes the file at the end. */
export async function* fileChunks(file: FileHandle): AsyncGenerator<Buffer> {
  const buffer = Buffer.alloc(CHUNK_BYTES)
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, null)
      if (bytesRead === 0) return
      yield bytesRead === CHUNK_BYTES ? buffer : buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
