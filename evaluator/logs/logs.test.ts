import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { logFilesOf } from './files.ts'
import { KeptStream } from './kept-stream.ts'
import { Spill } from './spill.ts'
import { TimeSort } from './time-sort.ts'
import { unpacked } from './unpack.ts'

async function folder(files: Readonly<Record<string, string | Buffer>> = {}): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'logs-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(dir, name, '..'), { recursive: true })
    await writeFile(join(dir, name), content)
  }
  return dir
}

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  // One buffer is used again and again, as when a file is read.
  const buffer = Buffer.alloc(size)
  for (let at = 0; at < bytes.length; at += size) {
    yield buffer.subarray(0, bytes.copy(buffer, 0, at, at + size))
  }
}

async function textOf(stream: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk.toString('latin1')
  return text
}

test('a folder is read with all that is below it, sorted by path, without hidden files', async () => {
  const archive = (hour: string, name: string) => `dt=20260112/hour=${hour}/archive_${name}.json.gz`
  const dir = await folder({
    [archive('10', '1')]: '',
    [archive('09', '2')]: '',
    [archive('09', '1')]: '',
    '.DS_Store': '',
    '.git/config': '',
    'z.jsonl': '',
  })
  await symlink(dir, join(dir, 'loop'))
  const { files, repeated } = await logFilesOf([join(dir, 'z.jsonl'), dir, '-'])
  expect(files.map(({ name }) => name.replace(`${dir}/`, ''))).toEqual([
    'z.jsonl',
    archive('09', '1'),
    archive('09', '2'),
    archive('10', '1'),
    '-',
  ])
  expect(repeated).toEqual([join(dir, 'z.jsonl')])
})

test('a path that does not exist, and a folder without a file, cannot be read', async () => {
  await expect(logFilesOf([await folder({ '.hidden': '' })])).rejects.toThrow('the folder holds no file')
  await expect(logFilesOf(['/no/such/log'])).rejects.toThrow('/no/such/log cannot be read: there is no such file')
})

const text = Array.from({ length: 3000 }, (_, i) => `line ${i} of a log\n`).join('')
/** `one two ` and `three\n` by zstd 1.5, each a frame of its own. */
const ZSTD_FRAMES = Buffer.concat(
  ['KLUv/QRYQQAAb25lIHR3byDcbQOK', 'KLUv/QBYMQAAdGhyZWUK'].map((each) => Buffer.from(each, 'base64')),
)

test.each([1, 7, 65_536])('packed bytes are unpacked by their first bytes, in chunks of %i', async (size) => {
  const plain = Buffer.from(text)
  const half = plain.length / 2
  const parts = Buffer.concat([gzipSync(plain.subarray(0, half)), gzipSync(plain.subarray(half))])
  expect(await textOf(unpacked(chunksOf(plain, size), 'a'))).toBe(text)
  expect(await textOf(unpacked(chunksOf(parts, size), '-'))).toBe(text)
  expect(await textOf(unpacked(chunksOf(ZSTD_FRAMES, size), '-'))).toBe('one two three\n')
  expect(await textOf(unpacked(chunksOf(Buffer.alloc(0), size), 'a.gz'))).toBe('')
  expect(await textOf(unpacked(chunksOf(Buffer.from('{}'), size), 'a'))).toBe('{}')
})

test.each<[string, Buffer, string]>([
  ['a.gz', gzipSync(text).subarray(0, 200), 'unexpected end of file'],
  ['a.zst', ZSTD_FRAMES.subarray(0, -2), 'unexpected EOF'],
  ['a.gz', Buffer.from([0, 1, 2, 3, 4, 5, 6]), 'it is not packed, as its name says, and no text'],
  ['a.zip', Buffer.from('PK\u0003\u0004....'), 'it is a zip archive'],
  ['a.parquet', Buffer.from('PAR1....'), 'it is a Parquet file'],
  ['a.bz2', Buffer.from('BZh91AY'), 'it is packed by bzip2'],
  ['a.csv', Buffer.from('\ufefftime', 'utf16le'), 'it is UTF-16'],
])('%s with %s cannot be read', async (name, bytes, reason) => {
  await expect(textOf(unpacked(chunksOf(bytes, 5), name))).rejects.toThrow(`${name} cannot be read: ${reason}`)
})

test('lines are sorted by time, those of one instant in their order, however little memory there is', async () => {
  const times = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 400 })
  await fc.assert(
    fc.asyncProperty(times, fc.integer({ min: 20, max: 300 }), async (at, memoryBytes) => {
      const sort = new TimeSort({ memoryBytes, maxRows: 7 })
      const lines = at.map((time, i) => ({ time, line: `${time}-${i}` }))
      for (const { time, line } of lines) sort.add(time, Buffer.from(line))
      const sorted = lines.toSorted((a, b) => a.time - b.time).map(({ line }) => `${line}\n`)
      expect(await textOf(sort.sorted())).toBe(sorted.join(''))
    }),
  )
})

test('runs are merged when there are many of them, and lines may be longer than what is read of a run at once', async () => {
  const sort = new TimeSort({ memoryBytes: 200_000, maxRows: 1 })
  const lines = Array.from({ length: 300 }, (_, i) => `${1000 + ((i * 7) % 300)}${'x'.repeat(i === 9 ? 150_000 : 10)}`)
  for (const line of lines) sort.add(Number(line.slice(0, 4)), Buffer.from(line))
  expect((await textOf(sort.sorted())).trim().split('\n')).toEqual(lines.toSorted())
})

test('a stream is read again from its beginning after a reader has stopped, and its source is not closed', async () => {
  const bytes = Buffer.from(text.repeat(60))
  const kept = new KeptStream(chunksOf(bytes, 10_007))
  let read = 0
  for await (const chunk of kept.read()) {
    read += chunk.length
    if (read > 1_500_000) break
  }
  kept.keepNoMore()
  expect(await textOf(kept.read())).toBe(text.repeat(60))
  kept.close()
})

test('what is kept comes back in its order, from memory and from the file', async () => {
  const spill = new Spill()
  const parts = [10, 900_000, 300_000, 2_000_000, 5, 1_048_576, 7].map((size, i) => String(i).repeat(size))
  for (const part of parts) spill.append(Buffer.from(part))
  expect((await textOf(spill.read())) === parts.join('')).toBe(true)
  spill.clear()
  expect(await textOf(spill.read())).toBe('')
})
