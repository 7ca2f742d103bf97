import { setTimeout as delay } from 'node:timers/promises'
import { inTurn } from '../attacks/kit/in-turn.ts'
import type { Client, Person } from './client.ts'
import type { Count } from './rounds.ts'

/** The number of concurrent attempts. */
export const CONCURRENT = 16

/** A constant load of sign-ins: a new one starts when one ends. */
export interface Load {
  /** Resolves after the first {@link CONCURRENT} sign-ins, which found an empty queue. */
  saturated(): Promise<void>
  /** Counts the sign-ins that end within the next `milliseconds`, from the first to the last. */
  count(milliseconds: number): Promise<Count>
  /** Stops the load and waits for running sign-ins. @returns the number of sign-ins @throws the first refusal */
  stop(): Promise<number>
}

/**
 * Keeps {@link CONCURRENT} sign-ins under way, a closed loop, so that the hash queue is neither empty nor full.
 * @param people at least {@link CONCURRENT}, used in turn
 */
export function startSignIns(client: Pick<Client, 'signIn'>, people: readonly Person[]): Load {
  const ends: number[] = []
  let going = true
  const nextPerson = inTurn(people)
  let started = 0
  const one = async () => {
    while (going) {
      started++
      await client.signIn(nextPerson())
      ends.push(performance.now())
    }
  }
  const all = Promise.all(Array.from({ length: CONCURRENT }, one)).finally(() => {
    going = false
  })
  all.catch(() => {}) // thrown by the promise that is awaited

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
      return started
    },
  }
}
