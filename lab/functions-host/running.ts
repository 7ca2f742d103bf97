/** Tracks work in progress, so that a stop can wait for it. */
export function createRunning() {
  const running = new Set<Promise<unknown>>()
  return {
    track<T>(work: Promise<T>): Promise<T> {
      running.add(work)
      const done = () => running.delete(work)
      work.then(done, done)
      return work
    },
    /** Resolves when all work in progress has ended or failed. */
    settled: async (): Promise<void> => {
      await Promise.allSettled(running)
    },
  }
}

/** @returns whether `work` ended or failed within `ms` milliseconds */
export async function endsWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((done) => {
    timer = setTimeout(() => done(false), ms)
  })
  const ended = work.then(
    () => true,
    () => true,
  )
  const inTime = await Promise.race([ended, late])
  clearTimeout(timer)
  return inTime
}
