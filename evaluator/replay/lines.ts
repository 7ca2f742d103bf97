import type { FileHandle } from 'node:fs/promises'

const lineFeed = 0x0a
/** Large enough that a read costs nothing, small enough to stay in a processor's cache. */
const chunkBytes = 256 * 1024

/** A line longer than this is no log line: it is passed over, so that memory stays bounded. */
export const longestLineBytes = 8 * 1024 * 1024

/** How many bytes behind its line feed are left in the buffer of a line that is scanned. */
const scanPadding = 4

export interface LineVisitor {
  /**
   * Tries to read the line that begins at `start`, wherever it ends: there is a line feed, and four more bytes behind it.
   * @returns the position of its line feed; negative to be given the line by `line`
   */
  scan?(buffer: Buffer, start: number): number
  /** One line without its end; `buffer[end]` is its line feed. The buffer is only valid during the call. */
  line(buffer: Buffer, start: number, end: number): void
  tooLong(): void
}

/**
 * Cuts a stream into lines without copying them.
 * @param stream may give the same buffer again, with other bytes in it
 * @param afterChunk is awaited between chunks: where a caller reports progress or stops
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
      const end = chunk.indexOf(lineFeed)
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
      if (restBytes > longestLineBytes) {
        skipping = true
        rest = []
        restBytes = 0
      }
    }
    await afterChunk?.(chunk.length)
  }
  if (skipping) visitor.tooLong()
  if (restBytes > 0) {
    const line = Buffer.concat([...rest, Buffer.of(lineFeed)])
    visitor.line(line, 0, line.length - 1)
  }
}

/** Visits the lines that end in a buffer. @returns where the last, which does not, begins */
function visitWhole(buffer: Buffer, from: number, visitor: LineVisitor): number {
  const last = visitor.scan ? buffer.lastIndexOf(lineFeed, -1 - scanPadding) : -1
  let start = from
  while (start <= last) {
    const scanned = visitor.scan?.(buffer, start) ?? -1
    const end = scanned < 0 ? buffer.indexOf(lineFeed, start) : scanned
    if (scanned < 0) visitor.line(buffer, start, end)
    start = end + 1
  }
  for (let end = buffer.indexOf(lineFeed, start); end >= 0; end = buffer.indexOf(lineFeed, start)) {
    visitor.line(buffer, start, end)
    start = end + 1
  }
  return start
}

/** Reads a file by pieces into one buffer, which is all the memory that it takes; closes it at the end. */
export async function* fileChunks(file: FileHandle): AsyncGenerator<Buffer> {
  const buffer = Buffer.alloc(chunkBytes)
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, null)
      if (bytesRead === 0) return
      yield bytesRead === chunkBytes ? buffer : buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
