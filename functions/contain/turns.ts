/** Runs some work when its turn comes. */
export type Turn = <T>(work: () => Promise<T>) => Promise<T>

/** The turn did not come in time. */
export class NoTurn extends Error {
  override readonly name = 'NoTurn'
}

export interface Turns {
  /**
   * Waits for a turn, in the order of the calls.
   * @returns ends the turn; safe to call twice
   * @throws NoTurn after `waitMs`
   */
  take(waitMs: number): Promise<() => void>
}

/** @param most the number of turns at the same time */
export function createTurns(most: number): Turns {
  const waiting = new Set<() => void>()
  let running = 0

  const begin = () => {
    running++
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      running--
      const [next] = waiting
      next?.()
    }
  }
  return {
    async take(waitMs) {
      if (running < most) return begin()
      return new Promise((resolve, reject) => {
        const next = () => {
          clearTimeout(timer)
          waiting.delete(next)
          resolve(begin())
        }
        const timer = setTimeout(() => {
          waiting.delete(next)
          reject(new NoTurn(`no turn within ${Math.round(waitMs)} ms`))
        }, waitMs)
        waiting.add(next)
      })
    },
  }
}
