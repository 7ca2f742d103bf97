import http from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { portOf } from '../port-of.ts'

/** A request on its way through the proxy, whole. */
export interface PassingRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly body: Buffer
}

/** What becomes of one request. */
export type HttpFault =
  | 'none'
  /** The connection is reset before the service hears of the request. */
  | 'refuse'
  /** Nothing is passed on and nothing is answered. */
  | 'hang'
  /** The service acts; the connection is reset instead of its answer. */
  | 'act-then-cut'
  /** The service acts; its answer never comes. */
  | 'act-then-hang'
  /** The service acts; the first half of its answer's body arrives as if it were the whole. */
  | 'cut-body'
  /** Each way. */
  | { readonly delayMs: number }
  /** Answered by the proxy; the service does not hear of the request. */
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }

/** A proxy in front of one HTTP service of this machine. */
export interface HttpProxy {
  readonly port: number
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  /** @param rule asked for each request from now on; requests that were left hanging are reset when it changes */
  set(rule: (request: PassingRequest) => HttpFault): void
  /** Passes everything from now on. */
  heal(): void
  close(): Promise<void>
}

const NONE = (): HttpFault => 'none'

/** @param target port of 127.0.0.1 of the service, asked at each request */
export async function startHttpProxy(target: () => number): Promise<HttpProxy> {
  let rule: (request: PassingRequest) => HttpFault = NONE
  const hanging = new Set<http.ServerResponse>()
  const agent = new http.Agent({ keepAlive: true })

  async function handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const { method = 'GET', url: path = '/' } = request
    const fault = rule({ method, path, body })
    if (fault === 'refuse') return void response.destroy()
    if (fault === 'hang') return hold(response)
    if (typeof fault === 'object' && 'status' in fault) {
      response.writeHead(fault.status, fault.headers).end(fault.body)
      return
    }
    const waits = typeof fault === 'object' ? () => delay(fault.delayMs) : async () => {}
    await waits()
    const answer = await pass(request, body)
    await waits()
    if (fault === 'act-then-cut') return void response.destroy()
    if (fault === 'act-then-hang') return hold(response)
    const { headers } = answer
    const shown = fault === 'cut-body' ? answer.body.subarray(0, answer.body.length >> 1) : answer.body
    // The body is whole here, whatever its framing was.
    const { 'transfer-encoding': _, connection: __, ...kept } = headers
    const hasLength = answer.status !== 204 && answer.status !== 304
    response.writeHead(answer.status, { ...kept, ...(hasLength && { 'content-length': String(shown.length) }) })
    response.end(hasLength ? shown : undefined)
  }

  function hold(response: http.ServerResponse): void {
    hanging.add(response)
    response.once('close', () => hanging.delete(response))
  }

  function pass(
    { method, url, headers }: http.IncomingMessage,
    body: Buffer,
  ): Promise<{ status: number; headers: http.IncomingHttpHeaders; body: Buffer }> {
    const { connection: _, 'transfer-encoding': __, ...kept } = headers
    const port = target()
    return new Promise((resolve, reject) => {
      const outgoing = http.request(
        {
          ...{ agent, method, path: url, host: '127.0.0.1', port },
          // The edge of the lab refuses a Host that is not its own.
          headers: {
            ...kept,
            host: `127.0.0.1:${port}`,
            ...(body.length > 0 && { 'content-length': String(body.length) }),
          },
        },
        async (incoming) => {
          const chunks: Buffer[] = []
          try {
            for await (const chunk of incoming) chunks.push(chunk)
            resolve({ status: incoming.statusCode ?? 502, headers: incoming.headers, body: Buffer.concat(chunks) })
          } catch (error) {
            reject(error)
          }
        },
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }

  const server = http.createServer((request, response) => {
    // A client of the proxy sees what a client of the service would see: a cut connection.
    handle(request, response).catch(() => response.destroy())
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(portOf(server)))
  })
  const set = (next: typeof rule) => {
    rule = next
    for (const response of hanging) response.destroy()
  }
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    set,
    heal: () => set(NONE),
    async close() {
      const closed = new Promise((done) => server.close(done))
      server.closeAllConnections()
      agent.destroy()
      await closed
    },
  }
}
