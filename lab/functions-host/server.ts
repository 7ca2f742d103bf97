import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { answerAdmin, isReservedPath } from './admin.ts'
import type { RegisteredFunction } from './core-module.ts'
import { type FunctionTable, findFunction, type HttpFunction } from './function-table.ts'
import type { HostJson } from './host-json.ts'
import { readBody, requestTarget, toRpcHttp } from './http-request.ts'
import { sendEmpty, sendRejection, sendResponse, sendText } from './http-response.ts'
import type { Trigger } from './invoke.ts'
import { rejection } from './kestrel.ts'
import type { HostLog } from './log.ts'
import { isForeign } from './loopback.ts'
import { pathSegments } from './route.ts'
import type { RpcInvocationResponse } from './rpc.ts'
import { createThrottle } from './throttle.ts'
import { traceContext } from './trace.ts'

export interface ServerDeps {
  /** Invokes a function; a rejection has been logged. */
  readonly run: (registered: RegisteredFunction, trigger: Trigger) => Promise<RpcInvocationResponse>
  readonly log: HostLog
  readonly table: FunctionTable
  readonly hostJson: HostJson
  readonly bodyLimitBytes: number
  readonly homepage: boolean
  /** Starts a run of a timer outside its schedule. */
  readonly startTimer: (name: string) => void
}

/** Answers requests for the home page, the admin endpoints and the functions' routes. */
export function createListener(deps: ServerDeps): RequestListener {
  const { customHeaders, maxConcurrentRequests, maxOutstandingRequests } = deps.hostJson
  const throttle = createThrottle(maxConcurrentRequests, maxOutstandingRequests)

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const rejected = rejection(request)
    if (rejected !== undefined) return sendRejection(response, rejected)
    if (isForeign(request)) return sendEmpty(response, 403)
    const target = requestTarget(request)
    const segments = target && pathSegments(target.path)
    if (!target || !segments) return sendRejection(response, 400)
    if (isReservedPath(segments)) return answerReserved(request, response, segments, deps)
    const found = findFunction(deps.table.http, request.method ?? '', segments)
    if (!found) return answerUnknown(request, response, segments, deps)
    const leave = await throttle.enter()
    // The host refuses these before it adds its custom headers. @see `HttpThrottleMiddleware`
    if (!leave) return sendEmpty(response, 429)
    try {
      await answerFunction(request, response, found.target, found.params, target, deps)
    } finally {
      leave()
    }
  }
  return (request, response) => {
    answer(request, response).catch((error) => {
      deps.log('error', 'Host.Http', `The answer to ${request.method} could not be sent: ${error}`)
      sendEmpty(response, 500, customHeaders)
    })
  }
}

async function answerFunction(
  request: IncomingMessage,
  response: ServerResponse,
  target: HttpFunction,
  params: Readonly<Record<string, string>>,
  url: { query: string; url: string },
  { run, hostJson, bodyLimitBytes }: ServerDeps,
): Promise<void> {
  const body = await readBody(request, bodyLimitBytes)
  if (body.kind === 'aborted') return
  if (body.kind === 'too-large') {
    request.resume() // discards the rest of the body, so that the sender receives the answer
    return sendEmpty(response, 413, hostJson.customHeaders)
  }
  const trigger = {
    binding: target.binding,
    data: { http: toRpcHttp(request, url, params, body.bytes) },
    traceContext: traceContext(header(request, 'traceparent'), header(request, 'tracestate')),
    reason: 'This function was programmatically called via the host APIs.',
  }
  const outcome = await run(target.registered, trigger).catch(() => 'failed' as const)
  if (outcome === 'failed') sendEmpty(response, 500, hostJson.customHeaders)
  else sendResponse(response, outcome, hostJson.customHeaders)
}

async function answerReserved(
  request: IncomingMessage,
  response: ServerResponse,
  segments: readonly string[],
  deps: ServerDeps,
): Promise<void> {
  const { customHeaders } = deps.hostJson
  const { status, json, headers } = await answerAdmin(request, segments, `http://${request.headers.host}`, {
    table: deps.table,
    startTimer: deps.startTimer,
    warn: (text) => deps.log('warning', 'Host.Controllers', text),
  })
  request.resume() // discards the rest of the body, so that the sender receives the answer
  if (json === undefined) sendEmpty(response, status, customHeaders, headers)
  else sendText(response, 'application/json; charset=utf-8', JSON.stringify(json), customHeaders)
}

/** The home page answers every method. @see `HomepageMiddleware` */
function answerUnknown(
  request: IncomingMessage,
  response: ServerResponse,
  segments: readonly string[],
  { homepage, hostJson }: ServerDeps,
): void {
  const { customHeaders } = hostJson
  request.resume()
  if (segments.length > 0) sendEmpty(response, 404, customHeaders)
  else if (homepage) sendText(response, 'text/html', HOME_PAGE, customHeaders)
  else sendEmpty(response, 204, customHeaders)
}

const HOME_PAGE = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Functions host</title>
<h1>Your Functions app is up and running</h1>
<p>This is the embedded host of the lab, not Azure's.</p></html>
`

const header = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}
