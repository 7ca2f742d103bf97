import { randomInt } from 'node:crypto'

/** Repeatable random choices: the same seed gives the same ones. Not for secrets. */
export interface Random {
  /** 0 ≤ n < bound */
  int(bound: number): number
  pick<T>(items: readonly T[]): T
  /** A copy in random order. */
  shuffle<T>(items: readonly T[]): T[]
}

export const SEED_MAX = 2 ** 32 - 1

export const newSeed = (): number => randomInt(SEED_MAX)

/** @param seed 0 to 2³² − 1 @see mulberry32, Tommy Ettinger, public domain */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (bound: number) => Math.floor(next() * bound)
  return {
    int,
    pick(items) {
      for (const picked of items.slice(int(items.length))) return picked
      throw new RangeError('pick needs at least one item')
    },
    shuffle: (items) => shuffled(items, int),
  }
}

/** A copy in random order, by the Fisher-Yates shuffle. @param int a random integer from 0 to below its bound */
export function shuffled<T>(items: readonly T[], int: (bound: number) => number): T[] {
  const boxes = items.map((item) => ({ item }))
  for (let last = boxes.length - 1; last > 0; last--) {
    const other = int(last + 1)
    const [one, another] = [boxes[last], boxes[other]]
    if (one && another) [boxes[last], boxes[other]] = [another, one]
  }
  return boxes.map(({ item }) => item)
}
