import type { Part } from './part.ts'

const RESTARTS = 3
/** A part that ran this long has started well: what happens later is another fault. */
const HEALTHY_MS = 60_000

export interface SupervisedOptions {
  readonly name: string
  /**
   * Starts the process and resolves when it is ready; hands it to `born` as soon as there is one, so that a stop need
   * not wait until then.
   */
  readonly launch: (born: (part: Part) => void) => Promise<Part>
  readonly log: (text: string) => void
  /** Called each time it is ready, the first time too. */
  readonly onReady?: () => void
  /** Called once, when it has ended too often. */
  readonly onGivenUp: (error: Error) => void
}

/** A part that is started again when it ends unasked, three times in a row at most. */
export interface Supervised {
  readonly name: string
  /** Of the process that runs now. */
  readonly pid: number | undefined
  /** Resolves when it is ready. @throws when it does not become so: then it is not tried again */
  start(): Promise<void>
  /** Ends it, at whatever stage it is; `start` brings it back. */
  stop(graceMs?: number): Promise<void>
  /** Ends it at once and without asking, as a crash does; `start` brings it back. */
  kill(): Promise<void>
}

export function supervise(options: SupervisedOptions): Supervised {
  const { name, launch, log, onReady, onGivenUp } = options
  let wanted = false
  let current: Part | undefined
  let running: Promise<void> | undefined

  const adopt = (part: Part) => {
    current = part
    if (!wanted) void part.stop()
  }

  /** @param first the launch that the caller of start waits for: its failure is the caller's */
  async function run(first: Promise<Part>): Promise<void> {
    let fault = await first.then(watch)
    for (let failures = 1; wanted; failures += 1) {
      if (failures > RESTARTS) return onGivenUp(new Error(`${fault}\nIt was started again ${RESTARTS} times.`))
      log(`${fault}\n${name} is started again (${failures} of ${RESTARTS})`)
      const started = performance.now()
      fault = await launch(adopt).then(watch, (error: Error) => error.message)
      if (performance.now() - started > HEALTHY_MS) failures = 0
    }
  }

  /** @returns how it ended, in words */
  async function watch(part: Part): Promise<string> {
    if (wanted) onReady?.()
    const { code, signal } = await part.ended
    const tail = part.tail()
    return `${name} ended with ${signal ?? `exit code ${code}`}${tail ? `. Its last lines:\n${indent(tail)}` : ''}`
  }

  return {
    name,
    get pid() {
      return current?.pid
    },
    async start() {
      wanted = true
      const first = launch(adopt)
      running = run(first).catch(() => {})
      await first
    },
    async stop(graceMs) {
      wanted = false
      await current?.stop(graceMs)
      await running
    },
    async kill() {
      wanted = false
      current?.kill()
      await running
    },
  }
}

const indent = (text: string): string => text.replace(/^/gm, '  ')
