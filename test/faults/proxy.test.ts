import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FaultProxy, startProxy } from './proxy.ts'

let echo: Server
let proxy: FaultProxy
const sockets: Socket[] = []

beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  proxy = await startProxy({ host: '127.0.0.1', port: (echo.address() as { port: number }).port })
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await proxy.close()
  echo.close()
})

function begin(): Socket {
  const socket = connect(proxy.port, '127.0.0.1')
  sockets.push(socket)
  return socket.on('error', () => {})
}

async function open(): Promise<Socket> {
  const socket = begin()
  await once(socket, 'connect')
  return socket
}

async function say(socket: Socket, text: string): Promise<string> {
  socket.write(text)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  return answer.toString()
}

// A reset is an error first, with which `once` would reject.
const closes = (socket: Socket): Promise<boolean> => new Promise((done) => socket.once('close', () => done(true)))

test('without a fault all data arrives', async () => {
  expect(await say(await open(), 'hello')).toBe('hello')
})

test('bytes stay in order when a delay ends before they have passed', async () => {
  const socket = await open()
  await say(socket, 'warm')
  await proxy.slow(10_000)
  let got = ''
  socket.on('data', (chunk) => {
    got += String(chunk)
  })
  socket.write('a')
  await delay(50)
  await proxy.pass()
  socket.write('b')
  await expect.poll(() => got).toBe('ab')
})

test('a delay is added in each direction, and bytes stay in order', async () => {
  const socket = await open()
  await say(socket, 'warm')
  await proxy.slow(100)
  const began = performance.now()
  for (const part of ['a', 'b', 'c']) socket.write(part)
  let got = ''
  while (got.length < 3) got += String((await once(socket, 'data'))[0])
  expect(got).toBe('abc')
  expect(performance.now() - began).toBeGreaterThanOrEqual(195)
})

test('bytes held back during the fault arrive afterwards, on old and new connections', async () => {
  const old = await open()
  await say(old, 'warm')
  await proxy.hang()
  const young = await open()
  const answers: string[] = []
  for (const socket of [old, young]) {
    socket.on('data', (chunk) => answers.push(String(chunk)))
    socket.write('late')
  }
  await delay(150)
  expect(answers).toEqual([])
  await proxy.pass()
  while (answers.length < 2) await delay(5)
  expect(answers).toEqual(['late', 'late'])
})

test('while it refuses, open connections are reset and new ones are refused', async () => {
  const old = await open()
  await say(old, 'warm')
  const closed = closes(old)
  await proxy.refuse()
  expect(await closed).toBe(true)
  expect(await closes(begin())).toBe(true)
  await proxy.pass()
  expect(await say(await open(), 'again')).toBe('again')
})

test('a reset ends open connections and accepts new ones', async () => {
  const old = await open()
  await say(old, 'warm')
  const closed = closes(old)
  proxy.reset()
  expect(await closed).toBe(true)
  expect(await say(await open(), 'new')).toBe('new')
})

test('each connection is reset so long after its first bytes', async () => {
  await proxy.cut(10)
  for (let times = 0; times < 3; times++) {
    const socket = await open()
    const closed = closes(socket)
    socket.write('first')
    expect(await closed).toBe(true)
  }
})
