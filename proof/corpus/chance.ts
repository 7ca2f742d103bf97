import { createRandom } from '../../attacks/kit/random.ts'

/** Repeatable random choices: the same seed gives the same life. */
export interface Chance {
  /** @returns true with this probability */
  of(probability: number): boolean
  /** An integer from `least` to `most`, both included. */
  between(least: number, most: number): number
  pick<T>(items: readonly T[]): T
  /** One of the items, with a probability in proportion to its weight. */
  weighted<T>(items: readonly (readonly [item: T, weight: number])[]): T
  /** A value near `mean`: two times in three within `spread` of it. */
  about(mean: number, spread: number): number
  hex(digits: number): string
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
/** The low byte of a number, as two digits. */
const hexOf = (value: number): string => HEX[value & 255] ?? ''

/** @param seed 0 to 2³² − 1 */
export function createChance(seed: number): Chance {
  const random = createRandom(seed)
  const unit = () => random.int(2 ** 30) / 2 ** 30
  const hex8 = () => {
    const value = random.int(2 ** 32)
    return `${hexOf(value >>> 24)}${hexOf(value >>> 16)}${hexOf(value >>> 8)}${hexOf(value)}`
  }
  return {
    of: (probability) => unit() < probability,
    between: (least, most) => least + random.int(most - least + 1),
    pick: (items) => random.pick(items),
    weighted(items) {
      let rest = unit() * items.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [item, weight] of items) {
        rest -= weight
        if (rest < 0) return item
      }
      for (const [last] of items.slice(-1)) return last
      throw new RangeError('weighted needs at least one item')
    },
    // The sum of four is close to a normal distribution, without its tails, which would move people to another week.
    about: (mean, spread) => mean + (unit() + unit() + unit() + unit() - 2) * spread * Math.sqrt(3),
    hex(digits) {
      let text = ''
      while (text.length < digits) text += hex8()
      return text.slice(0, digits)
    },
  }
}

/** A repeatable UUID of version 4. @see RFC 9562 5.4 */
export function uuid(chance: Chance): string {
  const hex = chance.hex(32)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
}
