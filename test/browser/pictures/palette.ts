import type { Picture } from './png.ts'

/** Of eight bits: 255 colours, and one that leaves a pixel as it was. */
const MOST_COLOURS = 255
/** Colours that differ in lower bits only are one, shown as the most frequent of them. */
const BITS = 6

export interface Palette {
  /** Three bytes for each. */
  readonly colours: Uint8Array
  /** The number of the colour that is nearest to a pixel. */
  numberOf(red: number, green: number, blue: number): number
}

/** The most frequent colours of several pictures; every other one becomes the nearest of them. */
export function paletteOf(pictures: readonly Picture[]): Palette {
  const kinds = kindsIn(pictures)
  const frequent = [...kinds.values()].sort((a, b) => b.count - a.count).slice(0, MOST_COLOURS)
  const colours = new Uint8Array(frequent.flatMap(({ colour }) => [colour >> 16, (colour >> 8) & 255, colour & 255]))
  const known = new Map(frequent.map(({ colour }, number) => [kindOf(colour), number]))
  return {
    colours,
    numberOf(red, green, blue) {
      const kind = kindOf(colourOf(red, green, blue))
      const number = known.get(kind) ?? nearest(colours, red, green, blue)
      known.set(kind, number)
      return number
    },
  }
}

interface Kind {
  count: number
  /** The most frequent of it, and how frequent that is. */
  colour: number
  most: number
}

function kindsIn(pictures: readonly Picture[]): Map<number, Kind> {
  const counts = new Map<number, number>()
  for (const { pixels } of pictures) {
    for (let at = 0; at < pixels.length; at += 3) {
      const colour = colourOf(pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0)
      counts.set(colour, (counts.get(colour) ?? 0) + 1)
    }
  }
  const kinds = new Map<number, Kind>()
  for (const [colour, count] of counts) {
    const kind = kinds.get(kindOf(colour))
    if (!kind) kinds.set(kindOf(colour), { count, colour, most: count })
    else {
      kind.count += count
      if (count > kind.most) Object.assign(kind, { colour, most: count })
    }
  }
  return kinds
}

const colourOf = (red: number, green: number, blue: number): number => (red << 16) | (green << 8) | blue

const LOWER = 8 - BITS
const MASK = (255 >> LOWER) << LOWER
const kindOf = (colour: number): number => colour & colourOf(MASK, MASK, MASK)

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
