import type { Picture } from './png.ts'

/** Of eight bits: 255 colours, and one that leaves a pixel as it was. */
const MOST_COLOURS = 255
/** The bits of each channel by which colours are counted: more than a screen of text needs. */
const BITS = 6

export interface Palette {
  /** Three bytes for each. */
  readonly colours: Uint8Array
  /** The number of the colour that is nearest to a pixel. */
  numberOf(red: number, green: number, blue: number): number
}

/** The most frequent colours of several pictures; every other one becomes the nearest of them. */
export function paletteOf(pictures: readonly Picture[]): Palette {
  const counts = new Map<number, number>()
  for (const { pixels } of pictures) {
    for (let at = 0; at < pixels.length; at += 3) {
      const colour = keyOf(pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0)
      counts.set(colour, (counts.get(colour) ?? 0) + 1)
    }
  }
  const frequent = [...counts].sort(([, a], [, b]) => b - a).map(([colour]) => colour)
  const chosen = frequent.slice(0, MOST_COLOURS)
  const colours = new Uint8Array(chosen.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]))
  const known = new Map(chosen.map((colour, number) => [colour, number]))
  return {
    colours,
    numberOf(red, green, blue) {
      const key = keyOf(red, green, blue)
      const number = known.get(key) ?? nearest(colours, red, green, blue)
      known.set(key, number)
      return number
    },
  }
}

/** Rounded, except that a channel keeps its ends: white stays white. */
const keyOf = (red: number, green: number, blue: number): number =>
  (rounded(red) << 16) | (rounded(green) << 8) | rounded(blue)

function rounded(channel: number): number {
  const top = channel >> (8 - BITS)
  return (top << (8 - BITS)) | (top >> (2 * BITS - 8))
}

function nearest(colours: Uint8Array, red: number, green: number, blue: number): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (let at = 0; at < colours.length; at += 3) {
    const distance =
      ((colours[at] ?? 0) - red) ** 2 + ((colours[at + 1] ?? 0) - green) ** 2 + ((colours[at + 2] ?? 0) - blue) ** 2
    if (distance < least) [best, least] = [at / 3, distance]
  }
  return best
}
