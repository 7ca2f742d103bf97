import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JsonPieces, MAX_RECORD_BYTES } from './json-pieces.ts'

function split(text: string | Buffer, cut: readonly number[] = []) {
  const records: unknown[] = []
  const faults: [number, string][] = []
  const pieces = new JsonPieces(
    { record: (record) => records.push(JSON.parse(record)), broken: (at, reason) => faults.push([at, reason]) },
    ['data', 'logs'],
  )
  const bytes = Buffer.from(text)
  const edges = [0, ...[...cut].map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  for (const [i, edge] of edges.slice(1).entries()) {
    // The chunk is overwritten afterwards, as a stream may do.
    const chunk = Buffer.from(bytes.subarray(edges[i], edge))
    pieces.write(chunk)
    chunk.fill(0x7b)
  }
  pieces.end()
  return { records, faults }
}

test.each([
  ['one record per line', '{"a":1}\n{"a":{"b":[2]}}\n', [{ a: 1 }, { a: { b: [2] } }]],
  ['an array on several lines', '[\n  {"a": 1},\n  {"a": 2}\n]\n', [{ a: 1 }, { a: 2 }]],
  [
    'a page, whose other keys are left out',
    '{"meta":{"x":[{}]},"data":[{"a":1},{"data":[{}]}],"links":{}}',
    [{ a: 1 }, { data: [{}] }],
  ],
  ['one page per line', '{"logs":[{"a":1}]}\n{"logs":[]}\n{"logs":[{"a":2}],"nextLogId":null}', [{ a: 1 }, { a: 2 }]],
  ['brackets and quotes inside strings', '[{"a":"]}\\"{\\\\"},{"b":"\\\\\\""}]', [{ a: ']}"{\\' }, { b: '\\"' }]],
  ['a byte order mark', '\ufeff[{"a":1}]', [{ a: 1 }]],
  ['the key of a page at a deeper level', '{"a":{"data":[{"b":1}]}}', [{ a: { data: [{ b: 1 }] } }]],
  ['an object under the key of a page', '{"data":{"b":1}}', [{ data: { b: 1 } }]],
  ['nothing', ' \n', []],
])('%s gives its records', (_, text, records) => {
  expect(split(text)).toEqual({ records, faults: [] })
})

test.each([
  ['an incomplete line', '{"a":1}\n{"b":\n{"c":"d\n{"e":5}\n', [{ a: 1 }, { e: 5 }], 1],
  ['an incomplete record of a page', '{"data":[{"a":1},{"b":2,\n{"c":3}]}\n{"d":4}', [{ a: 1 }, { c: 3 }, { d: 4 }], 1],
  ['a line that is not JSON', 'oops {\n{"a":1}\n"text"\n', [{ a: 1 }], 2],
  ['a file that ends inside a record', '{"data":[{"a":1},{"b"', [{ a: 1 }], 1],
  ['a file that ends inside a page', '{"data":[{"a":1}', [{ a: 1 }], 1],
  ['a bracket that closes nothing', '{"a":1}]\n{"a":2}', [{ a: 1 }, { a: 2 }], 1],
  ['an array of arrays', '[[1],{"a":1}]', [{ a: 1 }], 1],
])('%s loses only the records that it breaks', (_, text, records, faults) => {
  const result = split(text)
  expect(result.records).toEqual(records)
  expect(result.faults).toHaveLength(faults)
})

test('a record that is too long is skipped, and the next one is read', () => {
  const long = Buffer.concat([
    Buffer.from('[{"a":"'),
    Buffer.alloc(MAX_RECORD_BYTES + 1, 0x61),
    Buffer.from('"},{"b":1}]'),
  ])
  expect(split(long, [MAX_RECORD_BYTES, MAX_RECORD_BYTES + 50])).toEqual({
    records: [{ b: 1 }],
    faults: [[1, 'is longer than 8 MiB']],
  })
})

test('the records do not depend on where the stream is cut', () => {
  const record = fc.dictionary(fc.string(), fc.jsonValue())
  fc.assert(
    fc.property(
      fc.array(record, { maxLength: 6 }),
      fc.constantFrom('lines', 'array', 'page'),
      fc.boolean(),
      fc.array(fc.nat(), { maxLength: 12 }),
      (records, form, spread, cut) => {
        const each = records.map((one) => JSON.stringify({ id: 1, one }, undefined, spread ? 2 : 0))
        const text =
          form === 'lines' ? each.join('\n') : form === 'array' ? `[${each.join(',')}]` : `{"meta":{},"data":[${each}]}`
        expect(split(text, cut)).toEqual({ records: each.map((one) => JSON.parse(one)), faults: [] })
      },
    ),
  )
})
