import type { ServerResponse } from 'node:http'
import { cookieText } from './cookie.ts'
import { isSendableHeader } from './kestrel.ts'
import type { RpcHttp, RpcInvocationResponse } from './rpc.ts'

const BODILESS = [204, 205, 304]

/**
 * Sends the function's return value, converted by the library; without one, a 204.
 * @param customHeaders of host.json; a header of the function takes precedence
 * @throws Error for an invalid header, cookie or length; then nothing has been sent
 */
export function sendResponse(
  response: ServerResponse,
  result: RpcInvocationResponse,
  customHeaders: Readonly<Record<string, string>>,
): void {
  const http = result.returnValue?.http
  if (!http) {
    sendEmpty(response, 204, customHeaders)
    return
  }
  const status = Number(http.statusCode ?? 200)
  const body = BODILESS.includes(status) ? undefined : bytesOf(http)
  const headers: Record<string, string | string[]> = { ...http.headers }
  const cookies = (http.cookies ?? []).map(cookieText)
  if (cookies.length > 0) headers['set-cookie'] = [...[headers['set-cookie'] ?? []].flat(), ...cookies]
  send(response, status, headers, body, customHeaders)
}

/** An answer of the host itself: status, host headers, no body. */
export function sendEmpty(
  response: ServerResponse,
  status: number,
  customHeaders: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): void {
  send(response, status, headers, undefined, customHeaders)
}

/** Kestrel's own answer to a request that it refuses, without the host's headers. */
export function sendRejection(response: ServerResponse, status: number): void {
  response.shouldKeepAlive = false
  sendEmpty(response, status)
}

/** An answer of the host itself with a text, such as its home page. */
export function sendText(
  response: ServerResponse,
  contentType: string,
  text: string,
  customHeaders: Readonly<Record<string, string>>,
): void {
  const body = Buffer.from(text)
  const headers = { 'content-type': contentType, 'content-length': String(body.byteLength) }
  send(response, 200, headers, body, customHeaders)
}

function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string | string[]>>,
  body: Uint8Array | undefined,
  customHeaders: Readonly<Record<string, string>>,
): void {
  if (response.headersSent || response.destroyed) return
  const declared = headers['content-length']
  const length = body?.byteLength ?? 0
  if (declared !== undefined && response.req.method !== 'HEAD' && Number(declared) !== length) {
    throw new Error(`Response Content-Length mismatch: ${declared} declared, ${length} given`)
  }
  try {
    for (const [name, value] of Object.entries(headers)) {
      if (![value].flat().every(isSendableHeader)) throw new Error(`Invalid non-ASCII or control character in ${name}`)
      response.setHeader(name, value)
    }
    for (const [name, value] of Object.entries(customHeaders))
      if (!response.hasHeader(name)) response.setHeader(name, value)
    if (!response.hasHeader('server')) response.setHeader('Server', 'Kestrel')
    if (length === 0 && declared === undefined && status !== 204 && status !== 304)
      response.setHeader('Content-Length', 0)
  } catch (error) {
    for (const name of response.getHeaderNames()) response.removeHeader(name)
    throw error
  }
  response.writeHead(status)
  // Written before the end, so that Node sends chunks, as Kestrel does, instead of a Content-Length.
  if (body && length > 0) response.write(body)
  response.end()
}

function bytesOf(http: RpcHttp): Uint8Array | undefined {
  if (http.body?.bytes) return http.body.bytes
  const text = http.body?.string ?? http.body?.json
  return text === undefined ? undefined : Buffer.from(text)
}
