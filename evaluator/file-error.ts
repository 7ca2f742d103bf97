import { InputError } from './input-error.ts'

/** A file that cannot be read. Its message names the file and the reason. */
export class FileError extends InputError {
  override readonly name = 'FileError'
  constructor(file: string, reason: string) {
    super(`${named(file)} cannot be read: ${reason}`)
  }
}

/** A path that is empty, as of a variable that is not set, would be no text at all. */
export const named = (path: string): string => (path.trim() === '' ? JSON.stringify(path) : path)

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
}

/** Why a file could not be written: where its folder is missing, it is not the file that must exist. */
export function unwritableReason(error: unknown): string {
  return isMissing(error) ? 'there is no such folder' : reasonOf(error)
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'

/** Why a file or folder that a person named could not be read, as the words behind its name. */
export const unreadableReason = (error: unknown): string => (isMissing(error) ? 'does not exist' : reasonOf(error))

/** A reason for people, without the path. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return REASONS[code] ?? error.message
}
