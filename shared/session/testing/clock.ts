/**
 * A virtual clock. Events happen in the order of their times; events of the same time in the order they were
 * scheduled.
 */
export interface Simulation {
  readonly now: number
  after(ms: number, action: () => Promise<void>): void
  /** Runs until that time or until nothing is scheduled. Later events are dropped. */
  run(until: number): Promise<void>
}

export function createSimulation(start: number): Simulation {
  let now = start
  let queue: { at: number; action: () => Promise<void> }[] = []
  return {
    get now() {
      return now
    },
    after(ms, action) {
      const at = now + Math.max(0, Math.round(ms))
      const index = queue.findLastIndex((one) => one.at <= at)
      queue.splice(index + 1, 0, { at, action })
    },
    async run(until) {
      for (let next = queue[0]; next && next.at < until; next = queue[0]) {
        queue.shift()
        now = next.at
        await next.action()
      }
      if (queue.length > 0) now = until
      queue = []
    },
  }
}

/** Numbers of [0, 1) that are the same for the same seed. @see mulberry32, a public-domain generator */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
