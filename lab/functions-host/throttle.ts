/**
 * host.json's two HTTP limits: of running requests, and of running and waiting requests together.
 * @param maxOutstanding a request beyond it is refused at once (429)
 */
export function createThrottle(maxConcurrent: number, maxOutstanding: number) {
  const waiting: (() => void)[] = []
  let running = 0
  return {
    /** @returns a function that releases the place, or undefined if the request is refused */
    async enter(): Promise<(() => void) | undefined> {
      if (running + waiting.length >= maxOutstanding) return undefined
      if (running >= maxConcurrent) await new Promise<void>((resolve) => waiting.push(resolve))
      else running += 1
      return () => {
        const next = waiting.shift()
        if (next)
          next() // it takes over the place, so `running` does not change
        else running -= 1
      }
    },
  }
}
