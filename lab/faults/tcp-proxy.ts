import { connect, createServer, type Socket } from 'node:net'
import type { Random } from '../../attacks/random.ts'

/**
 * What a proxy does to the connections through it: passes them, resets each one, holds every byte back, or delays every
 * byte by `delayMs` in each direction.
 */
export type TcpFault = 'none' | 'refuse' | 'hang' | { readonly delayMs: number }

/** A proxy in front of one TCP service of this machine. */
export interface TcpProxy {
  readonly port: number
  /** Applies to open connections as well as to new ones. */
  set(fault: TcpFault): void
  /** Resets every open connection. */
  cut(): void
  /** Resets every open connection again and again. @returns what ends it */
  keepCutting(random: Random, betweenMs: readonly [number, number]): () => void
  close(): Promise<void>
}

/** @param target port of 127.0.0.1 of the service, asked at each connection */
export async function startTcpProxy(target: () => number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let fault: TcpFault = 'none'
  const server = createServer({ noDelay: true }, (client) => {
    if (fault === 'refuse') {
      client.resetAndDestroy()
      return
    }
    const upstream = connect({ port: target(), host: '127.0.0.1', noDelay: true })
    const pair = [client, upstream] as const
    pairs.add(pair)
    for (const [from, to] of [pair, [upstream, client]] as const) {
      from.on('data', (chunk) => later(() => to.write(chunk)))
      from.on('end', () => later(() => to.end()))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        to.destroy()
        pairs.delete(pair)
      })
      if (fault === 'hang') from.pause()
    }
  })
  /** Timers of one length fire in the order in which they were set: bytes stay in order. */
  function later(step: () => void): void {
    if (typeof fault === 'object') setTimeout(step, fault.delayMs)
    else step()
  }
  const cut = () => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy()
  }
  const port = await listen(server)
  return {
    port,
    set(next) {
      fault = next
      if (next === 'refuse') cut()
      for (const pair of pairs) for (const socket of pair) next === 'hang' ? socket.pause() : socket.resume()
    },
    cut,
    keepCutting(random, [min, max]) {
      let timer: NodeJS.Timeout
      const next = () => {
        timer = setTimeout(
          () => {
            cut()
            next()
          },
          min + random.int(max - min),
        )
      }
      next()
      return () => clearTimeout(timer)
    },
    async close() {
      const closed = new Promise((done) => server.close(done))
      cut()
      await closed
    },
  }
}

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (typeof address === 'object' && address) resolve(address.port)
    })
  })
}
