import { createWriteStream, type WriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

/** The two hosts whose events are recorded. */
export type Host = 'web' | 'functions'

/** The files below `<dir>/logs`, one line per event. Later starts append to them. */
export interface LogFiles {
  readonly dir: string
  /** The file with both hosts' events in order of arrival, for replay and search. */
  readonly events: string
  /** Writes an event line of a host into its own file and into the common one. */
  event(host: Host, line: string): void
  /** Writes a message of any part into `<part>.err.log`. */
  note(part: string, line: string): void
  router(line: string): void
  /** Resolves when everything is on disk. */
  close(): Promise<void>
}

/** Opens the log files of a lab. Other users cannot read the folder, because events name people and addresses. */
export async function openLogFiles(labDir: string): Promise<LogFiles> {
  const dir = join(labDir, 'logs')
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const streams = new Map<string, WriteStream>()
  let closed = false
  const append = (name: string, line: string) => {
    if (closed) return
    let stream = streams.get(name)
    if (!stream || stream.destroyed) {
      // A full disk may cut off a line, so the next one begins with a line end.
      const isBroken = stream !== undefined
      stream = createWriteStream(join(dir, name), { flags: 'a', mode: 0o600 })
      // While the disk is full, lines are lost, but the lab continues.
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
