import { expect, test } from 'vitest'
import { readEvents } from './event-stream.ts'

const STREAM =
  ': a comment\n\nevent: alert\nid: 1\ndata: {"title":"ä: b"}\n\n: still here\n\nevent: delivery\nid: 1\ndata: one\ndata: two\n\nevent: alert\nid: 2\ndata: unfinished'
const READ = [
  { event: 'alert', id: '1', data: '{"title":"ä: b"}' },
  { event: 'delivery', id: '1', data: 'one\ntwo' },
]

async function read(chunkBytes: number) {
  const bytes = new TextEncoder().encode(STREAM)
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
  }
  const events = []
  for await (const event of readEvents(chunks())) events.push(event)
  return events
}

test.each([1, 2, 7, 4096])('events are the same however they are cut: %i bytes at a time', async (chunkBytes) => {
  expect(await read(chunkBytes)).toEqual(READ)
})
