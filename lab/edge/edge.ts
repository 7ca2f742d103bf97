import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type LoopbackPort, listenOnLoopback } from '../processes/loopback.ts'
import { CLIENT_IP_HEADER, clientAddress } from './client-address.ts'
import { refusal } from './gate.ts'
import { type HeaderList, headerList, headerValue } from './headers.ts'
import type { EdgeOptions } from './options.ts'
import { pass } from './pass.ts'

const CLOSE_GRACE_MS = 1000
/** Longer than clients keep an idle connection, so that none is closed while a request is being sent. */
const KEEP_ALIVE_MS = 75_000
/** More than either app's host accepts, so that the limits of the hosts apply. */
const MAX_HEADER_BYTES = 64 * 1024

export interface Edge {
  readonly port: number
  /** `http://localhost:<port>` */
  readonly origin: string
  /** Waits up to a second for running requests; safe to call twice. */
  close(): Promise<void>
}

/**
 * Opens the front end of one host, which plays the router of Heroku or Azure. It listens before the app does, and answers
 * like the platform while the app is not running.
 */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  let port = 0
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, maxHeaderSize: MAX_HEADER_BYTES },
    (request, response) => {
      handle(request, response, port, options) // a kept connection may outlive the server’s address
    },
  )
  const listening = await listenOnLoopback(server, options.port)
  port = listening.port
  let closing: Promise<void> | undefined
  return {
    port,
    origin: `http://localhost:${port}`,
    close() {
      closing ??= close(server, listening)
      return closing
    },
  }
}

function handle(request: IncomingMessage, response: ServerResponse, port: number, options: EdgeOptions): void {
  const headers = headerList(request.rawHeaders)
  const url = request.url ?? ''
  const admission = admit(request, headers, url, port, options.origins)
  if (admission.kind === 'refused') refuse(response, admission.status, admission.reason)
  else {
    options.onRequest?.(request.headers)
    pass({ request, response, headers, url, client: admission, port, options })
  }
}

type Admission =
  | { readonly kind: 'known'; readonly ip: string; readonly port: number }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }

function admit(
  request: IncomingMessage,
  headers: HeaderList,
  url: string,
  port: number,
  origins: readonly string[] | undefined,
): Admission {
  // The absolute form names a host, which would bypass the check of Host.
  if (!url.startsWith('/') && url !== '*') {
    return { kind: 'refused', status: 400, reason: 'The request target must be a path' }
  }
  const host = headerValue(headers, 'host')
  const reason = refusal({ host, origin: headerValue(headers, 'origin') }, port, origins)
  if (reason !== undefined) return { kind: 'refused', status: 403, reason }
  const client = clientAddress(request.socket, headerValue(headers, CLIENT_IP_HEADER))
  return client.kind === 'refused' ? { ...client, status: 400 } : client
}

/** An answer of the lab itself, marked so that it differs from those of the app and the platform. */
function refuse(response: ServerResponse, status: number, detail: string): void {
  const body = JSON.stringify({ type: 'about:blank', title: 'Refused by the lab edge', status, detail })
  response.writeHead(status, { 'Content-Type': 'application/problem+json', 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

async function close(server: Server, { closeSecond }: LoopbackPort): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS)
  const closed = Promise.all([new Promise((resolve) => server.close(resolve)), closeSecond()])
  server.closeIdleConnections()
  await closed
  clearTimeout(timer)
}
