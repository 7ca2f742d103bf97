import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'
import { portOf } from '../port-of.ts'
import type { Identity } from './certificate.ts'

/** What stands before a service and speaks TLS for it, on a free port of 127.0.0.1. */
export interface Terminator {
  readonly port: number
  close(): void
}

/** SSLRequest, to which a Postgres that has TLS answers `S`. @see PostgreSQL manual, "Message Formats" */
const SSL_REQUEST = Buffer.from('0000000804d2162f', 'hex')

/** Before a service whose clients begin with TLS at once: a Redis, a web server. */
export function terminateTls(identity: Identity, target: () => number): Promise<Terminator> {
  return listen((track) => createTlsServer({ ...identity }, (socket) => join(track(socket), track(connectTo(target)))))
}

/** Before a Postgres, whose clients ask first. */
export function terminatePostgresTls(identity: Identity, target: () => number): Promise<Terminator> {
  return listen((track) =>
    createServer(async (socket) => {
      track(socket)
      const [first] = await once(socket, 'data').catch((): Buffer[] => [])
      if (!first?.equals(SSL_REQUEST)) return socket.destroy()
      socket.write('S')
      join(track(new TLSSocket(socket, { ...identity, isServer: true })), track(connectTo(target)))
    }),
  )
}

const connectTo = (target: () => number): Socket => connect(target(), '127.0.0.1')

function join(one: Socket, other: Socket): void {
  one.pipe(other).pipe(one)
  one.once('close', () => other.destroy())
  other.once('close', () => one.destroy())
}

async function listen(create: (track: <S extends Socket>(socket: S) => S) => Server): Promise<Terminator> {
  const sockets = new Set<Socket>()
  const server = create((socket) => {
    sockets.add(socket)
    // A client that does not like the certificate goes away in the middle of the handshake: that is its answer.
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
    return socket
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: portOf(server),
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
