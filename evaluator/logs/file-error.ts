import { InputError } from '../input-error.ts'

/** A file that cannot be read. Its message names the file and the reason. */
export class FileError extends InputError {
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

/** A reason for people, without the path. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return REASONS[code] ?? error.message
}
