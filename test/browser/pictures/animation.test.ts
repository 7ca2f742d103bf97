import { crc32, inflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { animationOf } from './animation.ts'
import { chunk, compress, header, type Picture, pngOf, readPng } from './png.ts'

const WHITE = [255, 255, 255]
const RED = [182, 36, 24]
const picture = (width: number, ...pixels: readonly number[][]): Picture => ({
  width,
  height: pixels.length / width,
  pixels: new Uint8Array(pixels.flat()),
})

interface Chunk {
  readonly name: string
  readonly data: Buffer
}

function chunksIn(file: Buffer): Chunk[] {
  const found: Chunk[] = []
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at)
    const named = file.subarray(at + 4, at + 8 + length)
    expect(file.readUInt32BE(at + 8 + length)).toBe(crc32(named))
    found.push({ name: named.toString('latin1', 0, 4), data: named.subarray(4) })
    at += length + 12
  }
  return found
}

describe('a screenshot', () => {
  test('is read to its pixels, whatever its filters', () => {
    const pixels = [WHITE, RED, [1, 2, 3], [4, 200, 6]]
    const plain = compress(new Uint8Array(pixels.flat()), 6)
    const read = readPng(pngOf([header(2, 2, 2), chunk('IDAT', plain)]))
    expect(read).toEqual({ width: 2, height: 2, pixels: new Uint8Array(pixels.flat()) })
  })

  test('of another form is refused', () => {
    expect(() => readPng(Buffer.from('GIF89a, and more bytes'))).toThrow('no PNG')
    expect(() => readPng(pngOf([header(1, 1, 3)]))).toThrow('true colour')
  })
})

describe('an animation', () => {
  const frames = [
    { picture: picture(3, WHITE, WHITE, WHITE, WHITE, WHITE, WHITE), ms: 100 },
    { picture: picture(3, WHITE, WHITE, WHITE, WHITE, WHITE, WHITE), ms: 50 },
    { picture: picture(3, WHITE, WHITE, WHITE, WHITE, RED, WHITE), ms: 700 },
    { picture: picture(3, WHITE, RED, RED, WHITE, RED, WHITE), ms: 7 },
  ]

  test('holds what changes, and a frame that repeats makes the one before longer', () => {
    const chunks = chunksIn(animationOf(frames))
    const named = (name: string) => chunks.filter((each) => each.name === name).map(({ data }) => data)
    expect(chunks.map(({ name }) => name).join(' ')).toBe('IHDR acTL PLTE tRNS fcTL IDAT fcTL fdAT fcTL fdAT IEND')
    expect([named('acTL')[0]?.readUInt32BE(0), named('acTL')[0]?.readUInt32BE(4)]).toEqual([3, 0])
    const areas = named('fcTL').map((data) => [4, 8, 12, 16].map((at) => data.readUInt32BE(at)))
    expect(areas).toEqual([
      [3, 2, 0, 0],
      [1, 1, 1, 1],
      [2, 1, 1, 0],
    ])
    expect(named('fcTL').map((data) => data.readUInt16BE(20))).toEqual([150, 700, 7])
    const sequence = [...named('fcTL'), ...named('fdAT')].map((data) => data.readUInt32BE(0))
    expect(sequence.sort()).toEqual([0, 1, 2, 3, 4])
    expect([...inflateSync(named('fdAT')[0]?.subarray(4) ?? Buffer.alloc(0))]).toEqual([0, 1])
  })

  test('keeps its colours, with one more that leaves a pixel as it was', () => {
    const palette = chunksIn(animationOf(frames)).find(({ name }) => name === 'PLTE')?.data
    expect(palette?.length).toBe(9)
    expect([...(palette?.subarray(0, 3) ?? [])]).toEqual(WHITE)
    expect([...(palette?.subarray(3, 6) ?? [])]).toEqual(RED)
  })

  test('of no frames is refused', () => {
    expect(() => animationOf([])).toThrow('at least one frame')
  })
})
