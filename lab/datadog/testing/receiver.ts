import { once } from 'node:events'
import http from 'node:http'
import { portOf } from '../../processes/ports.ts'

/** A request that the receiver has read. */
export interface Received {
  method: string
  url: string
  headers: http.IncomingHttpHeaders
  body: string
}

/** A status, with a body or without; `hang` never answers, `drop` closes the connection. */
export type Answer = number | { readonly status: number; readonly body: string } | 'hang' | 'drop'

/** For tests: an HTTP server that gives the prepared answers in turn, and 202 after that. */
export interface Receiver {
  url: string
  requests: Received[]
  /** Resolves when `count` requests have been read in all. */
  received(count: number): Promise<Received[]>
  close(): Promise<void>
}

export async function startReceiver(...answers: Answer[]): Promise<Receiver> {
  const requests: Received[] = []
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', url = '', headers } = request
    requests.push({ method, url, headers, body: Buffer.concat(chunks).toString('utf8') })
    const answer = answers.shift() ?? 202
    if (answer === 'drop') response.destroy()
    else if (typeof answer === 'object') response.writeHead(answer.status).end(answer.body)
    else if (answer !== 'hang') response.writeHead(answer).end(`answer ${answer}`)
    server.emit('received')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    requests,
    async received(count) {
      while (requests.length < count) await once(server, 'received')
      return requests
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
