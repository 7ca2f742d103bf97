import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_LINE_BYTES, visitLines } from './lines.ts'

async function linesOf(chunks: readonly Buffer[]): Promise<string[]> {
  const lines: string[] = []
  async function* stream() {
    yield* chunks
  }
  await visitLines(stream(), {
    line: (buffer, start, end) => {
      expect(buffer[end]).toBe(0x0a)
      lines.push(buffer.toString('utf8', start, end))
    },
    tooLong: () => lines.push('too long'),
  })
  return lines
}

test('lines are the same wherever the stream is cut, and the last needs no line feed', async () => {
  const cut = fc.array(fc.nat(60), { maxLength: 6 })
  const text = fc
    .array(fc.constantFrom('a', 'é', '\n', '{"x":1}', '😀'), { maxLength: 30 })
    .map((parts) => parts.join(''))
  await fc.assert(
    fc.asyncProperty(text, cut, async (whole, places) => {
      const bytes = Buffer.from(whole)
      const edges = [0, ...places.map((place) => Math.min(place, bytes.length)).sort((a, b) => a - b), bytes.length]
      const chunks = edges.slice(1).map((end, i) => bytes.subarray(edges[i], end))
      const expected = whole.split('\n')
      if (expected.at(-1) === '') expected.pop()
      expect(await linesOf(chunks)).toEqual(expected)
    }),
  )
})

test('a line that is too long is skipped, and the lines around it are read', async () => {
  const long = Array.from({ length: 10 }, () => Buffer.alloc(MAX_LINE_BYTES / 8, 'x'))
  expect(await linesOf([Buffer.from('a\n'), ...long, Buffer.from('y\nb\n')])).toEqual(['a', 'too long', 'b'])
  expect(await linesOf(long)).toEqual(['too long'])
})
