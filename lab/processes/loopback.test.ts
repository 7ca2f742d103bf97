import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterEach, describe, expect, test } from 'vitest'
import { type LoopbackPort, listenOnLoopback } from './loopback.ts'
import { portOf } from './ports.ts'

/** A container may have none. */
const withIpv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1'))

const opened: (() => unknown)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

async function open(preferred?: number): Promise<LoopbackPort> {
  const server = createHttpServer((request, response) => response.end(request.socket.remoteAddress))
  const listening = await listenOnLoopback(server, preferred)
  opened.push(() => {
    server.close()
    server.closeAllConnections()
    return listening.closeSecond()
  })
  return listening
}

async function take(host: string): Promise<number> {
  const server = createServer().listen(0, host)
  opened.push(() => server.close())
  await once(server, 'listening')
  return portOf(server)
}

const textOf = async (url: string) => (await fetch(url)).text()

test('a server answers on 127.0.0.1', async () => {
  const { port } = await open()
  expect(await textOf(`http://127.0.0.1:${port}`)).toBe('127.0.0.1')
})

describe.runIf(withIpv6)('with IPv6', () => {
  test('a server answers on the same port of ::1 until that is closed, and knows the address', async () => {
    const { port, closeSecond } = await open()
    expect(await textOf(`http://[::1]:${port}`)).toBe('::1')
    closeSecond()
    await expect(fetch(`http://[::1]:${port}`, { headers: { connection: 'close' } })).rejects.toThrow()
    expect(await textOf(`http://127.0.0.1:${port}`)).toBe('127.0.0.1')
  })

  test.each(['127.0.0.1', '::1'])('a port that is taken on %s is replaced on both', async (host) => {
    const taken = await take(host)
    const { port } = await open(taken)
    expect(port).not.toBe(taken)
    expect(await textOf(`http://127.0.0.1:${port}`)).toBe('127.0.0.1')
    expect(await textOf(`http://[::1]:${port}`)).toBe('::1')
  })
})
