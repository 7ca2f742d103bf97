import type { HeldLease } from './lease.ts'

/** One run of the sweeper, as its steps see it. */
export interface Run {
  /** Whether a step should stop: its time is over, or another sweeper may be at work. */
  over(): boolean
  /** Aborted at the end of the run's time. */
  readonly deadline: AbortSignal
  /** Of the lease; undefined in a run without one. */
  readonly fence: number | undefined
  readonly swept: Swept
}

/** What a run has done, as its event says. */
export interface Swept {
  /** Rows of sessions that ran out. */
  expired: number
  /** Containments carried out, and those for which a store failed once more. */
  contained: number
  failed: number
  /** Open alerts that no webhook had brought. */
  pulled: number
  /** Open sessions looked at, and whether the pass over all of them is over. */
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

/** The same run for a step that must leave time to those after it. */
export function shortened(run: Run, ms: number): Run {
  const until = performance.now() + ms
  return { ...run, over: () => run.over() || performance.now() >= until }
}

/**
 * Runs `task` for each item of a sequence, at most `limit` at a time; the next item is read when a place is free.
 * @throws what reading the sequence or a task throws, after the tasks that have begun
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

/** Asks for the next item while the one before is worked on. */
export async function* readAhead<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  const reader = items[Symbol.asyncIterator]()
  const ask = () => {
    const next = reader.next()
    // Whoever stops early never learns that what came after would have failed.
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
