import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { portOf } from '../../test/port-of.ts'
import { Watch } from './watch.ts'

let server: Server
let streams: ServerResponse[]
let paths: string[]
let watch: Watch

const alertText = (id: number, monitor: string) =>
  `event: alert\nid: ${id}\ndata: ${JSON.stringify({ id, monitor })}\n\n`
const deliveryText = (id: number) =>
  `event: delivery\nid: ${id}\ndata: ${JSON.stringify({ alert_id: id, state: 'delivered' })}\n\n`

beforeEach(async () => {
  streams = []
  paths = []
  server = createServer((request, response) => {
    paths.push(request.url ?? '')
    streams.push(response)
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n')
    server.emit('stream')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  watch = await Watch.open(`http://127.0.0.1:${portOf(server)}`)
})
afterEach(() => {
  watch.close()
  server.closeAllConnections()
  server.close()
})

test('an alert is found whether it arrives before or after the question', async () => {
  const later = watch.alert(({ monitor }) => monitor === 'session-reuse', 5_000)
  streams[0]?.write(alertText(1, 'credential-stuffing') + alertText(2, 'session-reuse') + deliveryText(2))
  expect((await later)?.id).toBe(2)
  expect((await watch.alert(({ monitor }) => monitor === 'credential-stuffing', 5_000))?.id).toBe(1)
  expect((await watch.delivery(2, 5_000))?.state).toBe('delivered')
})

test('a missing alert is undefined at the deadline and when the watch is closed', async () => {
  expect(await watch.alert(() => true, 20)).toBeUndefined()
  const waiting = watch.delivery(1, 60_000)
  watch.close()
  expect(await waiting).toBeUndefined()
})

test('a stream that breaks is taken up after the last alert', async () => {
  streams[0]?.write(alertText(7, 'session-reuse'))
  await watch.alert(() => true, 5_000)
  const again = once(server, 'stream')
  streams[0]?.destroy()
  await again
  expect(paths).toEqual(['/lab/stream', '/lab/stream?after=7'])
  streams[1]?.write(alertText(8, 'credential-stuffing'))
  expect((await watch.alert(({ id }) => id === 8, 5_000))?.monitor).toBe('credential-stuffing')
})

test('a stand-in that is not there is an error, and no silence', async () => {
  await expect(Watch.open('http://127.0.0.1:1')).rejects.toThrow()
})
