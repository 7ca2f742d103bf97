import { type FSWatcher, watch } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

export interface FolderWatch {
  /** Ends the watch and waits for a call that is under way. */
  close(): Promise<void>
}

export interface WatchOptions {
  /** Called when something below the folder may have changed, and once at the start. Calls do not overlap. */
  readonly changed: () => Promise<void>
  readonly log: (text: string) => void
}

/** An editor writes a file in several steps. This long after the last one, the files are read. */
const QUIET_MS = 80
/** The files are read after this long even if something is still writing. */
const AT_MOST_MS = 1000

/**
 * Watches a folder and everything below it. Folders are watched, not files, so that a file that is replaced by another is
 * noticed. The folder itself may be replaced as well.
 */
export async function watchFolder(dir: string, { changed, log }: WatchOptions): Promise<FolderWatch> {
  const watches = new Map<string, { readonly watcher: FSWatcher; readonly inode: number }>()
  /** Reported once each. */
  const cannotWatch = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let firstEventAt: number | undefined
  let isClosed = false
  let running: Promise<void> = Promise.resolve()

  function noticed(): void {
    if (isClosed) return
    firstEventAt ??= performance.now()
    const left = firstEventAt + AT_MOST_MS - performance.now()
    clearTimeout(timer)
    timer = setTimeout(read, Math.max(0, Math.min(QUIET_MS, left)))
  }

  function read(): void {
    firstEventAt = undefined
    running = running.then(async () => {
      if (isClosed) return
      try {
        await watchAll()
        await changed()
      } catch (error) {
        log(`${dir} could not be read: ${error instanceof Error ? error.message : error}`)
      }
    })
  }

  /** Watches the folders that are there now. What changes before a new watch begins is read afterwards. */
  async function watchAll(): Promise<void> {
    const folders = await foldersIn(dir)
    for (const [path, { watcher, inode }] of watches) {
      if (folders.get(path) === inode) continue
      watcher.close()
      watches.delete(path)
    }
    for (const [path, inode] of folders) {
      if (isClosed || watches.has(path)) continue
      const watcher = start(path)
      if (watcher) watches.set(path, { watcher, inode })
    }
  }

  /** @returns undefined where no more folders can be watched, as on a system with few of inotify's watches left */
  function start(path: string): FSWatcher | undefined {
    const isAbove = path === dirname(dir)
    try {
      const watcher = watch(path, (_event, name) => {
        if (!isAbove || name === null || name === basename(dir)) noticed()
      })
      watcher.on('error', () => {
        watcher.close()
        watches.delete(path)
        noticed()
      })
      return watcher
    } catch (error) {
      if (!cannotWatch.has(path))
        log(`${path} cannot be watched (${codeOf(error)}): edits in it are read at the next start`)
      cannotWatch.add(path)
      return undefined
    }
  }

  await watchAll()
  noticed()
  return {
    async close() {
      isClosed = true
      clearTimeout(timer)
      for (const { watcher } of watches.values()) watcher.close()
      watches.clear()
      await running
    },
  }
}

/** The folder, those below it, and the one above, each with its inode: another one of the same name has another. */
async function foldersIn(dir: string): Promise<Map<string, number>> {
  const below = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  const paths = below.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
  const found = await Promise.all(
    [dirname(dir), dir, ...paths].map(async (path) => {
      const inode = (await stat(path).catch(() => undefined))?.ino
      return inode === undefined ? [] : [[path, inode] as const]
    }),
  )
  return new Map(found.flat())
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error)
