import { Agent, type ClientRequest, type IncomingMessage, request as openRequest, type ServerResponse } from 'node:http'
import { requestIdFor } from './flavour.ts'
import { endToEnd, type HeaderList, headerList, headerValue, without } from './headers.ts'
import type { EdgeOptions } from './options.ts'
import { recordCall } from './recording.ts'
import { FAULTS, type FaultCode, routerLine } from './router-line.ts'

const ERROR_PAGE =
  '<!DOCTYPE html><html lang="en"><head><title>Application error</title></head><body><h1>Application error</h1>' +
  '<p>The application did not answer. This page is from the lab edge; the reason is in the router log.</p></body></html>\n'
/** Methods for which Node sends a missing body as an empty chunked one, unless Content-Length is set. */
const BODY_EXPECTED = new Set(['POST', 'PUT', 'PATCH'])

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly headers: HeaderList
  readonly url: string
  readonly client: { readonly ip: string; readonly port: number }
  readonly port: number
  readonly options: EdgeOptions
}

/**
 * Passes a request on and its answer back as streams, without changing method, headers or framing. The router line is
 * written when the answer has ended or failed.
 */
export function pass(exchange: Exchange): void {
  const { request, response, headers, url, client, port, options } = exchange
  const requestId = requestIdFor(headers)
  const forwarded = options.flavour.forward({ headers, url, client, port, now: Date.now(), requestId })
  const times: { started: number; connected?: number } = { started: performance.now() }
  let bytes = 0
  let fault: FaultCode | undefined

  // One agent per request gives each a fresh connection, as after a restart of the app. Keep-alive makes the app drain a
  // body that it refuses instead of resetting the connection.
  const agent = new Agent({ keepAlive: true })
  const upstream = openRequest({
    host: '127.0.0.1',
    port: options.target(),
    method: request.method,
    path: url,
    setHost: false,
    agent,
    headers: flat(framed(forwarded, request)),
  })
  upstream.once('socket', (socket) => {
    socket.once('connect', () => {
      times.connected = performance.now()
    })
  })
  const timer = setTimeout(() => fail('H12'), options.timeoutMs ?? options.flavour.timeoutMs)
  const seeAnswer = recorded(exchange)
  upstream.once('response', (answer) => {
    clearTimeout(timer)
    seeAnswer?.(answer)
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    answer.once('error', () => fail('H18'))
    relay(answer, response, request, upstream)
  })
  upstream.once('error', () => fail(times.connected === undefined ? 'H10' : 'H13'))
  response.once('close', () => {
    clearTimeout(timer)
    if (!response.writableFinished) fault ??= 'H27'
    upstream.destroy()
    agent.destroy()
    options.onRouterLine?.(lineFor())
  })
  request.pipe(upstream)

  function fail(code: FaultCode): void {
    if (response.writableFinished || fault) return
    fault = code
    upstream.destroy()
    request.unpipe(upstream)
    request.resume()
    if (response.headersSent) response.destroy()
    else {
      const { status } = FAULTS[code]
      response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': ERROR_PAGE.length })
      response.end(ERROR_PAGE)
    }
  }

  function lineFor(): string {
    const { connected } = times
    return routerLine({
      method: request.method ?? '',
      url,
      host: headerValue(headers, 'host') ?? '',
      requestId,
      forwardedFor: headerValue(forwarded, 'x-forwarded-for') ?? '',
      ...(connected === undefined
        ? {}
        : { connectMs: connected - times.started, serviceMs: performance.now() - connected }),
      status: fault ? FAULTS[fault].status : response.statusCode,
      bytes,
      ...(fault ? { fault } : {}),
    })
  }
}

/** @returns what sees the answer of a call that is to be recorded */
function recorded(exchange: Exchange): ((answer: IncomingMessage) => void) | undefined {
  const { request, url, options } = exchange
  const { record } = options
  return record?.path === url && request.method === 'POST' ? recordCall(exchange, record.done) : undefined
}

function relay(answer: IncomingMessage, response: ServerResponse, request: IncomingMessage, upstream: ClientRequest) {
  const passed = endToEnd(headerList(answer.rawHeaders))
  // HTTP/1.0 has no chunks: the end of the connection is the end of the body.
  const fitting = request.httpVersion === '1.0' ? without(passed, ['transfer-encoding']) : passed
  response.sendDate = false
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, flat(fitting))
  response.flushHeaders()
  answer.pipe(response)
  answer.once('end', () => {
    // The app answered without reading the whole body, so nothing reads the rest.
    request.unpipe(upstream)
    request.resume()
  })
}

function framed(headers: HeaderList, request: IncomingMessage): HeaderList {
  const hasFraming = 'content-length' in request.headers || 'transfer-encoding' in request.headers
  if (hasFraming || !BODY_EXPECTED.has(request.method ?? '')) return headers
  return [...headers, ['Content-Length', '0']]
}

function flat(list: HeaderList): string[] {
  return list.flat()
}
