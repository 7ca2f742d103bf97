import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'

const TICK_MS = 250
/** A connection without a byte is a browser's spare one. This long after the server stopped listening, none is on its way. */
const SILENT_MS = 500
/** How long a request may still take to arrive. Its answer has the rest of the 30 s that Heroku grants after SIGTERM. */
const ARRIVAL_MS = 10_000

/** What Node itself answers to a request that takes too long to arrive; the sender may try again. @see RFC 9110 15.5.9 */
const TIMEOUT = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n'

/**
 * Prepares the end of a server: it answers the requests that have arrived, and gives those that are still arriving a
 * limited time. Node ends its own time limits of requests as soon as a server closes.
 * @returns stops listening, and resolves when every connection is closed
 */
export function createDrain(server: Server, { arrivalMs = ARRIVAL_MS } = {}): () => Promise<void> {
  const sockets = new Set<Socket>()
  /** The request of each connection, once its head has arrived. */
  const requests = new WeakMap<Socket, IncomingMessage>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('request', (request) => requests.set(request.socket, request))

  const endSilent = () => {
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }
  const endArriving = () => {
    for (const socket of sockets) if (requests.get(socket)?.complete !== true) socket.end(TIMEOUT).destroySoon()
  }
  return async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    // A busy connection becomes idle after its answer.
    const tick = setInterval(() => server.closeIdleConnections(), TICK_MS)
    const silent = setTimeout(endSilent, SILENT_MS)
    const arriving = setTimeout(endArriving, arrivalMs)
    server.closeIdleConnections()
    await closed
    for (const timer of [tick, silent, arriving]) clearTimeout(timer)
  }
}
