import { createServer, type RequestListener, type Server } from 'node:http'
import { portOf } from '../processes/ports.ts'
import { sendEmpty } from './http-response.ts'
import { answerParserErrors, PARSER_OPTIONS } from './kestrel.ts'

export interface ListeningServer {
  readonly server: Server
  readonly port: number
  /** Until this is called, every request is answered with 503, because the app is not loaded yet. */
  setListener(listener: RequestListener): void
}

/** @throws the error of the port, such as EADDRINUSE */
export async function listen(port: number, hostname: string): Promise<ListeningServer> {
  let listener: RequestListener = (_request, response) => sendEmpty(response, 503)
  const server = createServer(PARSER_OPTIONS, (request, response) => listener(request, response))
  answerParserErrors(server)
  await new Promise<void>((done, fail) => {
    server.once('error', fail)
    server.listen(port, hostname.replace(/[[\]]/g, ''), () => done())
  })
  return {
    server,
    port: portOf(server),
    setListener: (next) => {
      listener = next
    },
  }
}

/** Accepts no new connections; resolves when the last one has ended. Safe to call twice. */
export const stopListening = (server: Server): Promise<void> =>
  new Promise((done) => {
    server.close(() => done())
    server.closeIdleConnections()
  })
