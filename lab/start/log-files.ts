import { createWriteStream, type WriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

/** The two hosts whose events are the lab's record. */
export type Host = 'web' | 'functions'

/** What is written below `<dir>/logs`, one line per event, appended from start to start. */
export interface LogFiles {
  readonly dir: string
  /** Both hosts' events in order of arrival: what replay and search read. */
  readonly events: string
  /** An event line of a host: into its own file and into the common one. */
  event(host: Host, line: string): void
  /** A line for people, of any part: `<part>.err.log`. */
  note(part: string, line: string): void
  router(line: string): void
  /** Resolves when everything is on disk. */
  close(): Promise<void>
}

/** Opens the log files of a lab; the folder is closed to other users, for events name people and addresses. */
export async function openLogFiles(labDir: string): Promise<LogFiles> {
  const dir = join(labDir, 'logs')
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const streams = new Map<string, WriteStream>()
  let closed = false
  const append = (name: string, line: string) => {
    if (closed) return
    let stream = streams.get(name)
    if (!stream || stream.destroyed) {
      // The line under way when a disk is full may be cut off: the next one begins on a line of its own.
      const isBroken = stream !== undefined
      stream = createWriteStream(join(dir, name), { flags: 'a', mode: 0o600 })
      // A full disk costs the lines of that time, and neither the lab nor what comes later.
      stream.on('error', () => {})
      streams.set(name, stream)
      if (isBroken) stream.write('\n')
    }
    stream.write(`${line}\n`)
  }
  return {
    dir,
    events: join(dir, 'events.jsonl'),
    event(host, line) {
      append(`${host}.jsonl`, line)
      append('events.jsonl', line)
    },
    note: (part, line) => append(`${part}.err.log`, line),
    router: (line) => append('router.log', line),
    async close() {
      closed = true
      await Promise.all([...streams.values()].map((stream) => new Promise<void>((done) => stream.end(done))))
    },
  }
}
