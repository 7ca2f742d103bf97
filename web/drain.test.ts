import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { portOf } from '../test/port-of.ts'
import { createDrain } from './drain.ts'

const ARRIVAL_MS = 1_500
const HEAD = 'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** A server that answers once a body has arrived. */
async function start(answer: RequestListener = (_request, response) => void response.end('read')) {
  const server = createServer((request, response) => {
    // Its connection may end before its body.
    request.on('error', () => {})
    request.resume().once('end', () => answer(request, response))
  })
  const drain = createDrain(server, { arrivalMs: ARRIVAL_MS })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.closeAllConnections())
  const open = async (sent: string): Promise<{ socket: Socket; answer: Promise<string> }> => {
    const accepted = once(server, 'connection')
    const socket = connect(portOf(server), '127.0.0.1').setNoDelay()
    await accepted
    if (sent !== '') socket.write(sent)
    return { socket, answer: text(socket) }
  }
  return { server, drain, open }
}

test('a body that arrives slowly is read and answered, although the server is ending', async () => {
  const { server, drain, open } = await start()
  const arrives = once(server, 'request')
  const { socket, answer } = await open(`${HEAD}12345`)
  await arrives
  const ended = drain()
  socket.write('67890')
  expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*read/)
  await ended
})

test('a body that does not arrive is answered 408, and the server ends in time', async () => {
  const { server, drain, open } = await start()
  const arrives = once(server, 'request')
  const { socket, answer } = await open(`${HEAD}1`)
  await arrives
  const slowly = setInterval(() => socket.write('2'), 400)
  closers.push(() => clearInterval(slowly))
  socket.on('error', () => {})
  const began = performance.now()
  await drain()
  expect(performance.now() - began).toBeGreaterThan(ARRIVAL_MS - 50)
  expect(await answer).toBe('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n')
})

test('a head that does not arrive is answered 408', async () => {
  const { server, drain, open } = await start()
  const { answer } = await open('POST /login HTTP/1.1\r\nHost: lo')
  await drain()
  expect(await answer).toMatch(/^HTTP\/1\.1 408 /)
  expect(server.listening).toBe(false)
})

test('a connection without a request keeps nobody waiting', async () => {
  const { drain, open } = await start()
  const { answer } = await open('')
  const began = performance.now()
  await drain()
  expect(performance.now() - began).toBeLessThan(ARRIVAL_MS)
  expect(await answer).toBe('')
})

test('a request that has arrived is answered, however long that takes', async () => {
  let finish = () => {}
  const { drain, open } = await start((_request, response) => {
    finish = () => void response.end('late')
  })
  const { answer } = await open(`${HEAD}1234567890`)
  const ended = drain()
  await new Promise((resolve) => setTimeout(resolve, ARRIVAL_MS + 300))
  finish()
  expect(await answer).toMatch(/late$/)
  await ended
})
