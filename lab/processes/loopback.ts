import type { Server } from 'node:http'
import { createServer, type Server as NetServer } from 'node:net'
import { portOf } from './ports.ts'

/** The number of tries for a port that is free on both 127.0.0.1 and ::1. */
const ATTEMPTS = 5

export interface LoopbackPort {
  readonly port: number
  /** Stops listening on ::1 and resolves when its connections have ended. The caller closes the server on 127.0.0.1. */
  closeSecond(): Promise<void>
}

/**
 * Makes an HTTP server listen on the same port of both loopback addresses, because `localhost` may mean either. Without
 * IPv6, on 127.0.0.1 only.
 * @param preferred the port; a free one is used if it is taken on either address
 */
export async function listenOnLoopback(server: Server, preferred = 0): Promise<LoopbackPort> {
  for (let attempt = 1, wanted = preferred; ; attempt += 1, wanted = 0) {
    const first = await listen(server, wanted, '127.0.0.1')
    if (first !== 'listening') {
      if (wanted === 0 || attempt === ATTEMPTS) throw first
      continue
    }
    const port = portOf(server)
    // Connections to ::1 are passed to the same HTTP server, so that limits and idle connections are shared.
    const second = createServer((socket) => server.emit('connection', socket))
    const result = await listen(second, port, '::1')
    if (result === 'listening' || !isTaken(result)) return { port, closeSecond: () => close(second) }
    if (attempt === ATTEMPTS) throw result
    await close(server)
  }
}

const isTaken = (error: NodeJS.ErrnoException): boolean => error.code === 'EADDRINUSE' || error.code === 'EACCES'

function listen(server: NetServer, port: number, host: string): Promise<'listening' | NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException) => {
      server.off('listening', opened)
      resolve(error)
    }
    const opened = () => {
      server.off('error', failed)
      resolve('listening')
    }
    server.once('error', failed)
    server.once('listening', opened)
    server.listen({ port, host })
  })
}

const close = (server: NetServer): Promise<void> =>
  new Promise((resolve) => {
    if (server.listening) server.close(() => resolve())
    else resolve()
  })
