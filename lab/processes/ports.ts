import { createServer, type Server } from 'node:net'

/**
 * A TCP port of 127.0.0.1 that is free at this moment.
 * @param preferred used if it is free; otherwise the system chooses
 */
export async function freePort(preferred = 0): Promise<number> {
  const port = await tryPort(preferred)
  if (port !== undefined) return port
  const other = await tryPort(0)
  if (other === undefined) throw new Error('127.0.0.1 has no free TCP port')
  return other
}

/** The TCP port of a server that listens. @throws if it does not listen on a port */
export function portOf(server: Pick<Server, 'address'>): number {
  const address = server.address()
  if (typeof address === 'object' && address) return address.port
  throw new Error('The server does not listen on a TCP port.')
}

/**
 * Starts a program that gets its port as an argument. Another process may take the port before the program binds it.
 * @param start called again with another port while it fails because of a port in use (three times at most)
 */
export async function withFreePort<T>(start: (port: number) => Promise<T>, preferred?: number): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort(attempt === 1 ? preferred : 0))
    } catch (error) {
      if (attempt === 3 || !/address already in use|EADDRINUSE/i.test(String(error))) throw error
    }
  }
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined)
      else reject(error)
    })
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const taken = portOf(server)
      server.close(() => resolve(taken))
    })
  })
}
