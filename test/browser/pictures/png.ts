import { crc32, deflateSync, inflateSync } from 'node:zlib'

/** Pixels without transparency: three bytes each, row by row. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly pixels: Uint8Array
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** A PNG as chunks. @see https://www.w3.org/TR/png-3/ */
export const pngOf = (chunks: readonly Buffer[]): Buffer => Buffer.concat([SIGNATURE, ...chunks, chunk('IEND')])

export function chunk(name: string, data: Buffer = Buffer.alloc(0)): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const framed = Buffer.alloc(8)
  framed.writeUInt32BE(data.length, 0)
  framed.writeUInt32BE(crc32(named), 4)
  return Buffer.concat([framed.subarray(0, 4), named, framed.subarray(4)])
}

/** @param colour 2: true colour, 3: a palette */
export function header(width: number, height: number, colour: 2 | 3): Buffer {
  const data = Buffer.alloc(13)
  data.writeUInt32BE(width, 0)
  data.writeUInt32BE(height, 4)
  data.set([8, colour, 0, 0, 0], 8)
  return chunk('IHDR', data)
}

/** Rows of `bytes` bytes each, compressed. Few colours compress best without a filter. */
export function compress(rows: Uint8Array, bytes: number): Buffer {
  const height = rows.length / bytes
  const filtered = Buffer.alloc((bytes + 1) * height)
  for (let row = 0; row < height; row++)
    filtered.set(rows.subarray(row * bytes, (row + 1) * bytes), row * (bytes + 1) + 1)
  return deflateSync(filtered, { level: 9, memLevel: 9 })
}

/** Reads a PNG as Chromium writes screenshots: eight bits, true colour, not interlaced. @throws for any other */
export function readPng(file: Buffer): Picture {
  const chunks = [...chunksOf(file)]
  const head = chunks.find(({ name }) => name === 'IHDR')?.data
  if (!file.subarray(0, 8).equals(SIGNATURE) || !head) throw new Error('This is no PNG')
  const [width, height, depth, colour, interlaced] = [
    head.readUInt32BE(0),
    head.readUInt32BE(4),
    head[8],
    head[9],
    head[12],
  ]
  if (depth !== 8 || (colour !== 2 && colour !== 6) || interlaced !== 0)
    throw new Error('A screenshot has eight bits of true colour')
  const channels = colour === 2 ? 3 : 4
  const data = inflateSync(Buffer.concat(chunks.flatMap((each) => (each.name === 'IDAT' ? [each.data] : []))))
  return { width, height, pixels: withoutAlpha(unfilter(data, width * channels, channels), channels) }
}

function* chunksOf(file: Buffer): Generator<{ name: string; data: Buffer }> {
  for (let at = SIGNATURE.length; at < file.length; ) {
    const length = file.readUInt32BE(at)
    yield { name: file.toString('latin1', at + 4, at + 8), data: file.subarray(at + 8, at + 8 + length) }
    at += length + 12
  }
}

/** @param bytes of a row @param step of a pixel */
function unfilter(data: Buffer, bytes: number, step: number): Uint8Array {
  const height = data.length / (bytes + 1)
  const rows = new Uint8Array(bytes * height)
  for (let row = 0; row < height; row++) {
    const filter = data[row * (bytes + 1)] ?? 0
    const from = row * (bytes + 1) + 1
    const to = row * bytes
    for (let at = 0; at < bytes; at++) {
      const left = at < step ? 0 : (rows[to + at - step] ?? 0)
      const up = row === 0 ? 0 : (rows[to + at - bytes] ?? 0)
      const corner = row === 0 || at < step ? 0 : (rows[to + at - bytes - step] ?? 0)
      rows[to + at] = (data[from + at] ?? 0) + predicted(filter, left, up, corner)
    }
  }
  return rows
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 0:
      return 0
    case 1:
      return left
    case 2:
      return up
    case 3:
      return (left + up) >> 1
    default:
      return paeth(left, up, corner)
  }
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner
  const [toLeft, toUp, toCorner] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)]
  if (toLeft <= toUp && toLeft <= toCorner) return left
  return toUp <= toCorner ? up : corner
}

function withoutAlpha(pixels: Uint8Array, channels: 3 | 4): Uint8Array {
  if (channels === 3) return pixels
  const opaque = new Uint8Array((pixels.length / 4) * 3)
  for (let from = 0, to = 0; from < pixels.length; from += 4, to += 3) opaque.set(pixels.subarray(from, from + 3), to)
  return opaque
}
