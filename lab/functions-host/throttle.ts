/**
 * host.json's two HTTP limits: how many requests run at once, and how many may be running or waiting in all.
 * @param maxOutstanding beyond it a request is refused at once (429)
 */
export function createThrottle(maxConcurrent: number, maxOutstanding: number) {
  const waiting: (() => void)[] = []
  let running = 0
  return {
    /** @returns the function that gives the place back, or undefined when there is none to wait for */
    async enter(): Promise<(() => void) | undefined> {
      if (running + waiting.length >= maxOutstanding) return undefined
      if (running >= maxConcurrent) await new Promise<void>((resolve) => waiting.push(resolve))
      else running += 1
      return () => {
        const next = waiting.shift()
        if (next)
          next() // the place goes on to it: `running` stays
        else running -= 1
      }
    },
  }
}
