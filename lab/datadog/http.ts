import type { IncomingMessage, ServerResponse } from 'node:http'
import { STATUS_CODES } from 'node:http'

export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
) => void | Promise<void>

/** Handlers by method and path, such as `GET /lab/health`. */
export type Routes = Readonly<Record<string, Handler>>

/** Sends an error in the form of Datadog's API: `{"errors":[{status, title, detail}]}`. */
export function sendError(response: ServerResponse, status: number, detail: string): void {
  sendJson(response, status, { errors: [{ status: String(status), title: STATUS_CODES[status] ?? '', detail }] })
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) return
  const text = JSON.stringify(body)
  response.writeHead(status, { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' }).end(text)
}

export function sendText(response: ServerResponse, text: string): void {
  response
    .writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' })
    .end(text)
}

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i

/**
 * Whether a request names this machine in Host and was not caused by a foreign page. A foreign page may resolve its own name
 * to 127.0.0.1 (DNS rebinding) or send a request without reading the answer; Host, Origin and Sec-Fetch-Site reveal it. A link of a
 * foreign page to one of ours may be followed, and a frame may not be loaded.
 * @see W3C Fetch Metadata Request Headers
 */
export function isOurs(request: IncomingMessage): boolean {
  const { host = '', origin, 'sec-fetch-site': site = 'none', 'sec-fetch-mode': mode } = request.headers
  const { 'sec-fetch-dest': destination = 'document' } = request.headers
  const isFollowed = request.method === 'GET' && mode === 'navigate' && destination === 'document'
  const isSameSite = site === 'none' || site === 'same-origin' || isFollowed
  return (
    isHere(request) && isSameSite && (origin === undefined || origin.toLowerCase() === `http://${host.toLowerCase()}`)
  )
}

/** Whether a request names this machine in Host, from any page. */
export const isHere = ({ headers: { host = '' } }: IncomingMessage): boolean => LOOPBACK.test(host)

/**
 * @returns undefined once more than `maxBytes` have arrived; the rest is read and discarded, so that the sender receives
 * the answer
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= maxBytes) chunks.push(chunk)
      else {
        chunks.length = 0
        resolve(undefined)
      }
    })
    request.on('end', () => resolve(Buffer.concat(chunks)))
    request.on('error', reject)
    request.on('close', () => reject(new Error('the sender closed the connection')))
  })
}

/** The value of a JSON text; undefined for any other text. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
