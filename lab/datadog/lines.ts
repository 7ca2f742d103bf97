const lineFeed = 0x0a

/** A line longer than this is no log line: it is passed over, so that memory stays bounded. */
export const longestLineBytes = 8 * 1024 * 1024

export interface LineVisitor {
  /** One line without its end; `buffer[end]` is its line feed. The buffer is only valid during the call. */
  line(buffer: Buffer, start: number, end: number): void
  tooLong(): void
}

/**
 * Cuts a stream into lines without copying them.
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
    let end = chunk.indexOf(lineFeed)
    if (end >= 0 && (restBytes > 0 || skipping)) {
      if (skipping) visitor.tooLong()
      else {
        const line = Buffer.concat([...rest, chunk.subarray(0, end + 1)])
        visitor.line(line, 0, line.length - 1)
      }
      rest = []
      restBytes = 0
      skipping = false
      start = end + 1
      end = chunk.indexOf(lineFeed, start)
    }
    for (; end >= 0; end = chunk.indexOf(lineFeed, start)) {
      visitor.line(chunk, start, end)
      start = end + 1
    }
    if (start < chunk.length && !skipping) {
      rest.push(chunk.subarray(start))
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
