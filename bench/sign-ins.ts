import { setTimeout as delay } from 'node:timers/promises'
import type { Client, Person } from './client.ts'
import type { Count } from './rounds.ts'

/** Attempts under way at once. */
export const CONCURRENT = 16

/** People who sign in, each again as soon as one is through. */
export interface Load {
  /** Resolves when as many have ended as are under way: the first ones found an empty queue. */
  saturated(): Promise<void>
  /** Those that end within so many milliseconds from now, from the first to the last. */
  count(milliseconds: number): Promise<Count>
  /** Starts no more. @returns how many were started, once those under way have ended @throws the first that was refused */
  stop(): Promise<number>
}

/**
 * Keeps {@link CONCURRENT} sign-ins under way: a closed loop, so that the hash queue is never empty and never full.
 * @param people at least as many, taken in turn
 */
export function startSignIns(client: Pick<Client, 'signIn'>, people: readonly Person[]): Load {
  const ends: number[] = []
  let going = true
  let turn = 0
  const one = async () => {
    while (going) {
      await client.signIn(people[turn++ % people.length] as Person)
      ends.push(performance.now())
    }
  }
  const all = Promise.all(Array.from({ length: CONCURRENT }, one)).finally(() => {
    going = false
  })
  all.catch(() => {}) // told by whatever is waited for

  return {
    async saturated() {
      while (ends.length < CONCURRENT) await Promise.race([delay(10), all])
    },
    async count(milliseconds) {
      const from = ends.length
      await Promise.race([delay(milliseconds), all])
      const [first, last] = [ends[from], ends.at(-1)]
      return first === undefined || last === undefined
        ? { done: 0, milliseconds }
        : { done: ends.length - 1 - from, milliseconds: last - first }
    },
    async stop() {
      going = false
      await all
      return turn
    },
  }
}
