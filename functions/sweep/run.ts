import type { HeldLease } from './lease.ts'

/** One run of the sweeper. */
export interface Run {
  /** Whether a step must stop: its time is over, or another sweeper may be running. */
  over(): boolean
  /** Aborted when the time of the run is over. */
  readonly deadline: AbortSignal
  /** The fence of the lease; undefined in a run without a lease. */
  readonly fence: number | undefined
  readonly swept: Swept
}

/** The results of a run for its event. */
export interface Swept {
  /** Rows of sessions that expired. */
  expired: number
  /** Containments carried out, and those with another store failure. */
  contained: number
  failed: number
  /** Open alerts that no webhook had delivered. */
  pulled: number
  /** Open sessions read, and whether all of them have been read. */
  sessions: number
  complete: boolean
}

/** @param deadlineMs from now on */
export function newRun(deadlineMs: number, lease: HeldLease | undefined): Run {
  const deadline = AbortSignal.timeout(deadlineMs)
  return {
    deadline,
    fence: lease?.fence,
    swept: { expired: 0, contained: 0, failed: 0, pulled: 0, sessions: 0, complete: false },
    over: () => deadline.aborted || lease?.lost.aborted === true,
  }
}

/** The same run with less time, for a step that must leave time to later steps. */
export function shortened(run: Run, ms: number): Run {
  const until = performance.now() + ms
  return { ...run, over: () => run.over() || performance.now() >= until }
}

/**
 * Runs `task` for each item of a sequence, at most `limit` at a time. The next item is read when a place is free.
 * @throws the error of the sequence or of a task, after the running tasks have ended
 */
export async function eachLimited<T>(
  items: AsyncIterable<T>,
  limit: number,
  run: Pick<Run, 'over'>,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const reader = items[Symbol.asyncIterator]()
  const work = async () => {
    while (!run.over()) {
      const { value, done } = await reader.next()
      if (done) return
      await task(value)
    }
  }
  const results = await Promise.allSettled(Array.from({ length: limit }, work))
  await reader.return?.()
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

/** Reads the next item while the previous one is being worked on. */
export async function* readAhead<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  const reader = items[Symbol.asyncIterator]()
  const ask = () => {
    const next = reader.next()
    // A caller that stops early ignores a failure of the rest.
    next.catch(() => {})
    return next
  }
  try {
    for (let next = ask(); ; ) {
      const { value, done } = await next
      if (done) return
      next = ask()
      yield value
    }
  } finally {
    await reader.return?.()
  }
}
