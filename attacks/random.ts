import { randomInt } from 'node:crypto'

/** Chance that can be repeated: the same seed makes the same choices. Not for secrets. */
export interface Random {
  /** 0 ≤ n < bound */
  int(bound: number): number
  pick<T>(items: readonly T[]): T
  /** A copy in another order. */
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
      if (items.length === 0) throw new RangeError('nothing to pick from')
      return items[int(items.length)] as (typeof items)[number]
    },
    shuffle(items) {
      const copy = [...items]
      for (let last = copy.length - 1; last > 0; last--) {
        const other = int(last + 1)
        const held = copy[last]
        copy[last] = copy[other] as (typeof copy)[number]
        copy[other] = held as (typeof copy)[number]
      }
      return copy
    },
  }
}
