import { type FileHandle, open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { InputError } from '../input-error.ts'
import { fileChunks, RECORDING_FORMS, type RecordingForm } from '../replay/index.ts'
import { UsageError } from './command.ts'

/** A file that cannot be read. Its message names the file and the reason. */
class FileError extends InputError {
  override readonly name = 'FileError'
  constructor(file: string, reason: string) {
    super(`${file} cannot be read: ${reason}`)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
}

/** @throws UsageError for an unknown form */
export function readForm(name: string): RecordingForm {
  const form = RECORDING_FORMS.find((each) => each === name)
  if (!form) throw new UsageError(`--format ${name}: must be one of ${RECORDING_FORMS.join(', ')}`)
  return form
}

/**
 * Opens a file, or standard input for `-`, and reads it from beginning to end. A `.gz` file is unpacked. A chunk is valid
 * until the next one is read.
 * @throws FileError when the file cannot be read
 */
export async function openInput(file: string): Promise<AsyncIterable<Buffer>> {
  if (file === '-') return process.stdin
  try {
    const handle = await open(file)
    if (!(await handle.stat()).isDirectory()) return file.endsWith('.gz') ? unpacked(handle, file) : fileChunks(handle)
    await handle.close()
  } catch (error) {
    throw new FileError(file, reasonOf(error))
  }
  throw new FileError(file, REASONS.EISDIR ?? '')
}

async function* unpacked(handle: FileHandle, file: string): AsyncGenerator<Buffer> {
  try {
    // An error of either stream is thrown by the read.
    yield* pipeline(handle.createReadStream(), createGunzip(), () => {})
  } catch (error) {
    throw new FileError(file, reasonOf(error))
  }
}

/** A reason for people, without the path. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return REASONS[code] ?? error.message
}
