import { type Palette, paletteOf } from './palette.ts'
import { chunk, compress, header, type Picture, pngOf } from './png.ts'

export interface Frame {
  readonly picture: Picture
  readonly ms: number
}

interface Area {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/**
 * An animated PNG that repeats for ever, of the colours that are frequent. Each frame but the first holds only the part that
 * changes. A reader that knows no animation shows the first frame.
 * @param frames of one size, at least one; one alone makes a plain PNG
 * @see https://www.w3.org/TR/png-3/#apng-frame-based-animation
 */
export function animationOf(frames: readonly Frame[]): Buffer {
  const shown = withoutRepeats(frames)
  const [first] = shown
  if (!first) throw new Error('An animation has at least one frame')
  const { width, height } = first.picture
  const palette = paletteOf(shown.map(({ picture }) => picture))
  const indexed = shown.map(({ picture }) => indexOf(picture, palette))
  const unchanged = palette.colours.length / 3
  const opaque = Buffer.concat([Buffer.alloc(unchanged, 255), Buffer.from([0])])
  const chunks = [
    header(width, height, 3),
    ...(shown.length > 1 ? [chunk('acTL', words(shown.length, 0))] : []),
    chunk('PLTE', Buffer.concat([palette.colours, Buffer.alloc(3)])),
    chunk('tRNS', opaque),
  ]
  let sequence = 0
  indexed.forEach((pixels, at) => {
    const before = indexed[at - 1]
    const area = before ? changedArea(before, pixels, width) : { x: 0, y: 0, width, height }
    const data = compress(before ? changes(before, pixels, area, width, unchanged) : pixels, area.width)
    if (shown.length > 1) chunks.push(chunk('fcTL', control(sequence++, area, shown[at]?.ms ?? 0)))
    chunks.push(before ? chunk('fdAT', Buffer.concat([words(sequence++), data])) : chunk('IDAT', data))
  })
  return pngOf(chunks)
}

/** A frame that is equal to the one before prolongs it. */
function withoutRepeats(frames: readonly Frame[]): Frame[] {
  const kept: Frame[] = []
  for (const frame of frames) {
    const last = kept.at(-1)
    if (last && Buffer.compare(last.picture.pixels, frame.picture.pixels) === 0) {
      kept[kept.length - 1] = { ...last, ms: last.ms + frame.ms }
    } else kept.push(frame)
  }
  return kept
}

function indexOf({ pixels }: Picture, palette: Palette): Uint8Array {
  const numbers = new Uint8Array(pixels.length / 3)
  for (let at = 0; at < numbers.length; at++) {
    numbers[at] = palette.numberOf(pixels[3 * at] ?? 0, pixels[3 * at + 1] ?? 0, pixels[3 * at + 2] ?? 0)
  }
  return numbers
}

/** The smallest area with all changes; one pixel if there is none. */
function changedArea(before: Uint8Array, after: Uint8Array, width: number): Area {
  let [left, right, top, bottom] = [width, -1, -1, -1]
  for (let at = 0; at < after.length; at++) {
    if (before[at] === after[at]) continue
    const [x, y] = [at % width, Math.floor(at / width)]
    left = Math.min(left, x)
    right = Math.max(right, x)
    if (top < 0) top = y
    bottom = y
  }
  if (right < 0) return { x: 0, y: 0, width: 1, height: 1 }
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 }
}

/** The pixels of an area, with one colour for all that stay as they were. */
function changes(before: Uint8Array, after: Uint8Array, area: Area, width: number, unchanged: number): Uint8Array {
  const pixels = new Uint8Array(area.width * area.height)
  for (let row = 0; row < area.height; row++) {
    for (let column = 0; column < area.width; column++) {
      const at = (area.y + row) * width + area.x + column
      pixels[row * area.width + column] = before[at] === after[at] ? unchanged : (after[at] ?? 0)
    }
  }
  return pixels
}

const KEEP_BELOW = 0
const DRAW_OVER = 1

function control(sequence: number, { x, y, width, height }: Area, ms: number): Buffer {
  const delay = Buffer.alloc(6)
  delay.writeUInt16BE(ms, 0)
  delay.writeUInt16BE(1_000, 2)
  delay.set([KEEP_BELOW, DRAW_OVER], 4)
  return Buffer.concat([words(sequence, width, height, x, y), delay])
}

function words(...numbers: readonly number[]): Buffer {
  const data = Buffer.alloc(4 * numbers.length)
  numbers.forEach((number, at) => {
    data.writeUInt32BE(number, 4 * at)
  })
  return data
}
