import type { Part } from './part.ts'

const MAX_RESTARTS = 3
/** After this time a start counts as successful, and a later end as another fault. */
const HEALTHY_MS = 60_000

export interface SupervisedOptions {
  readonly name: string
  /**
   * Starts the process and resolves when it is ready. Passes it to `born` as soon as it exists, so that a stop need not wait
   * until it is ready.
   */
  readonly launch: (born: (part: Part) => void) => Promise<Part>
  readonly log: (text: string) => void
  /** Called each time it is ready. */
  readonly onReady?: () => void
  /** Called when it has ended too often. */
  readonly onGivenUp: (error: Error) => void
}

/** A part that is restarted after an unexpected end, at most three times in a row. */
export interface Supervised {
  readonly name: string
  /** The id of the current process. */
  readonly pid: number | undefined
  /** Resolves when it is ready. @throws when it does not become ready; then it is not restarted */
  start(): Promise<void>
  /** Stops it in any state; `start` starts it again. */
  stop(graceMs?: number): Promise<void>
  /** Kills it at once, like a crash; `start` starts it again. */
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

  /** @param first the launch for which the caller of `start` waits, and whose failure that caller gets */
  async function run(first: Promise<Part>): Promise<void> {
    let fault = await first.then(watch)
    for (let failures = 1; wanted; failures += 1) {
      if (failures > MAX_RESTARTS) return onGivenUp(new Error(`${fault}\nIt was restarted ${MAX_RESTARTS} times.`))
      log(`${fault}\n${name} is restarted (${failures} of ${MAX_RESTARTS})`)
      const started = performance.now()
      fault = await launch(adopt).then(watch, (error: Error) => error.message)
      if (performance.now() - started > HEALTHY_MS) failures = 0
    }
  }

  /** @returns a description of its end */
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
