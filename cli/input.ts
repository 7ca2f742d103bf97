import { type FileHandle, open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { fileChunks } from 'alertproof/replay'

const reasons: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EISDIR: 'it is a folder',
}

/**
 * Opens a file to be read from its beginning to its end, unpacked if it ends in `.gz`; `-` is standard input. Each piece is only valid until the next is asked for.
 * @throws Error with a message for people when there is no such file to read
 */
export async function openInput(file: string): Promise<AsyncIterable<Buffer>> {
  if (file === '-') return process.stdin
  try {
    const handle = await open(file)
    if (!(await handle.stat()).isDirectory()) return file.endsWith('.gz') ? unpacked(handle, file) : fileChunks(handle)
    await handle.close()
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    throw new Error(`${file} cannot be read: ${reasons[code] ?? message}`)
  }
  throw new Error(`${file} cannot be read: ${reasons.EISDIR}`)
}

async function* unpacked(handle: FileHandle, file: string): AsyncGenerator<Buffer> {
  try {
    // Whatever breaks either of them is what reading the other end throws.
    yield* pipeline(handle.createReadStream(), createGunzip(), () => {})
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}`)
  }
}
