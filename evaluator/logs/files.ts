import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FileError, reasonOf } from '../file-error.ts'

/** One file with logs, or standard input. */
export interface LogFile {
  /** The path as it was given, or below the folder that was given; `-` for standard input. */
  readonly name: string
  /** Whether it can be read a second time. A pipe cannot. */
  readonly rereadable: boolean
  /** Its contents, where it is no file. */
  readonly stream?: AsyncIterable<Buffer>
}

export const STDIN = '-'

export interface LogFiles {
  readonly files: readonly LogFile[]
  /** Names under which a file of the list was found again. */
  readonly repeated: readonly string[]
}

/**
 * Lists the files of paths in the order of the paths, each file once. A folder is read with all that is below it, sorted by path, which is the order
 * of time in an archive (`dt=20260112/hour=09/archive_….json.gz`). Files and folders whose name begins with a dot are skipped, and
 * a folder that links lead to again is read once.
 * @throws FileError for a path that does not exist, and for a folder without a file
 */
export async function logFilesOf(paths: readonly string[]): Promise<LogFiles> {
  const files = new Map<string, LogFile>()
  const repeated: string[] = []
  for (const path of paths) {
    const found = path === STDIN ? [{ name: STDIN, rereadable: false }] : await filesAt(path)
    for (const file of found) {
      const place = file.rereadable ? await realpath(file.name) : file.name
      if (files.has(place)) repeated.push(file.name)
      else files.set(place, file)
    }
  }
  return { files: [...files.values()], repeated }
}

async function filesAt(path: string): Promise<LogFile[]> {
  const found = await statOf(path)
  if (!found.isDirectory()) return [{ name: path, rereadable: found.isFile() }]
  const names = await filesBelow(path, new Set())
  if (names.length === 0) throw new FileError(path, 'the folder holds no file')
  return names.map((name) => ({ name, rereadable: true }))
}

async function filesBelow(folder: string, visited: Set<string>): Promise<string[]> {
  const real = await realpath(folder)
  if (visited.has(real)) return []
  visited.add(real)
  const names = await readdir(folder).catch((error: unknown) => {
    throw new FileError(folder, reasonOf(error))
  })
  const files: string[] = []
  for (const name of names.sort()) {
    if (name.startsWith('.')) continue
    const path = join(folder, name)
    const found = await statOf(path)
    if (found.isDirectory()) files.push(...(await filesBelow(path, visited)))
    else if (found.isFile()) files.push(path)
  }
  return files
}

const statOf = (path: string) =>
  stat(path).catch((error: unknown) => {
    throw new FileError(path, reasonOf(error))
  })
