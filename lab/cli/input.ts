import { open } from 'node:fs/promises'
import { fileChunks } from '../datadog/lines.ts'

const reasons: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EISDIR: 'it is a folder',
}

/**
 * Opens a file to be read from its beginning to its end; `-` is standard input. Each piece is only valid until the next is asked for.
 * @throws Error with a message for people when there is no such file to read
 */
export async function openInput(file: string): Promise<AsyncIterable<Buffer>> {
  if (file === '-') return process.stdin
  try {
    const handle = await open(file)
    if (!(await handle.stat()).isDirectory()) return fileChunks(handle)
    await handle.close()
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    throw new Error(`${file} cannot be read: ${reasons[code] ?? message}`)
  }
  throw new Error(`${file} cannot be read: ${reasons.EISDIR}`)
}
