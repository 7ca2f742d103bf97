import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Decompress } from 'fzstd'
import { FileError, reasonOf } from '../file-error.ts'

/** Bytes at the beginning of a file that say what it is. */
const GZIP = [0x1f, 0x8b]
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd]
const LONGEST_MAGIC = 6

/** What is recognized and not read, with what to do. */
const UNREAD: readonly (readonly [magic: readonly number[], reason: string])[] = [
  [[0x50, 0x4b, 0x03, 0x04], 'it is a zip archive: unpack it, and give the folder'],
  [[0x42, 0x5a, 0x68], 'it is packed by bzip2: give it as `bzip2 -dc FILE | …` on standard input'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], 'it is packed by xz: give it as `xz -dc FILE | …` on standard input'],
  [[0x50, 0x41, 0x52, 0x31], 'it is a Parquet file: export it as JSON lines'],
  [[0xff, 0xfe], 'it is UTF-16: save it as UTF-8'],
  [[0xfe, 0xff], 'it is UTF-16: save it as UTF-8'],
]

/**
 * Unpacks gzip and Zstandard, with any number of members or frames, recognised by the first bytes. Everything else passes unchanged.
 * @param name of the file, for errors
 * @param say is told of a file that is not packed, though its name says so: whoever fetches one often gets it unpacked
 * @throws FileError when reading fails, when packed bytes are damaged or cut off, and for a form that cannot be read
 */
export async function* unpacked(
  stream: AsyncIterable<Buffer>,
  name: string,
  say: (text: string) => void = () => {},
): AsyncGenerator<Buffer> {
  const rest = stream[Symbol.asyncIterator]()
  const whole = { [Symbol.asyncIterator]: () => rest }
  try {
    const { start, isOver } = await startOf(rest)
    const unread = UNREAD.find(([magic]) => begins(start, magic))
    if (unread) throw new FileError(name, unread[1])
    if (begins(start, GZIP)) yield* gunzipped(start, whole)
    else if (begins(start, ZSTD) || isSkippableFrame(start)) yield* unzstd(start, whole)
    else {
      if (start.length > 0 && /\.(gz|zst)$/.test(name)) {
        if (!isText(start)) throw new FileError(name, 'it is not packed, as its name says, and no text')
        say(`${name} is not packed, as its name says: it is read as it is.`)
      }
      if (start.length > 0) yield start
      if (!isOver) yield* whole
    }
  } catch (error) {
    throw error instanceof FileError ? error : new FileError(name, reasonOf(error))
  } finally {
    await rest.return?.()
  }
}

/** Whether nothing but text begins so. */
const isText = (bytes: Buffer): boolean => bytes.every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d))

const begins = (bytes: Buffer, magic: readonly number[]): boolean => magic.every((byte, i) => bytes[i] === byte)

/** RFC 8878, section 3.1.2 */
const isSkippableFrame = (bytes: Buffer): boolean =>
  ((bytes[0] ?? 0) & 0xf0) === 0x50 && begins(bytes.subarray(1), [0x2a, 0x4d, 0x18])

async function startOf(rest: AsyncIterator<Buffer>): Promise<{ start: Buffer; isOver: boolean }> {
  let start: Buffer = Buffer.alloc(0)
  while (start.length < LONGEST_MAGIC) {
    const next = await rest.next()
    if (next.done) return { start, isOver: true }
    start = start.length === 0 && next.value.length >= LONGEST_MAGIC ? next.value : Buffer.concat([start, next.value])
  }
  return { start, isOver: false }
}

/** The stream may use a chunk again before the decoder has taken it. */
async function* copied(start: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield Buffer.from(start)
  for await (const chunk of rest) yield Buffer.from(chunk)
}

async function* gunzipped(start: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  // An error of either stream is thrown by the read.
  yield* pipeline(Readable.from(copied(start, rest)), createGunzip(), () => {})
}

async function* unzstd(start: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let out: Buffer[] = []
  const decoder = new Decompress((data) => {
    if (data.length > 0) out.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
  })
  for await (const chunk of copied(start, rest)) {
    decoder.push(chunk)
    yield* out
    out = []
  }
  decoder.push(new Uint8Array(0), true)
  yield* out
}
