import { Agent } from 'node:http'
import { Agent as TlsAgent } from 'node:https'
import { RestError, type TableServiceClientOptions } from '@azure/data-tables'
import { NoAnswer } from '../../bounded.ts'
import type { Fault, Judge, StoreGuard } from '../guard.ts'

type Policy = NonNullable<TableServiceClientOptions['additionalPolicies']>[number]['policy']
type Request = Parameters<Policy['sendRequest']>[0]
type Response = Awaited<ReturnType<Policy['sendRequest']>>

const SHORT_OF = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS'])
const NEVER_SENT = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'])
/**
 * Statuses that come before anything is carried out.
 * @see https://learn.microsoft.com/azure/storage/tables/scalability-targets
 */
const BUSY = new Set([429, 503])
const NOT_LET_IN = new Set([401, 403])
const TIMED_OUT = 408

/** The most sockets of one process: a waiting request spends its own time limit, and file descriptors are few. */
const MOST_SOCKETS = 64
/** Shorter than the idle time of the service, so that no request is sent on a connection that is closing. */
const IDLE_MS = 20_000

/** An answer from something other than the table service. */
class NotTheService extends Error {
  override readonly name = 'NotTheService'
}

/** An operation inside a transaction that the service could not serve. The library would throw only its status. */
class TransactionRefused extends Error {
  override readonly name = 'TransactionRefused'
}

/**
 * The outermost policy of a table client: all attempts of a request and the waits between them have one time limit.
 * @param onMissing called if a table is missing: the account lost it, or is another one
 */
export function boundedRequests(guard: StoreGuard, onMissing: () => void): Policy {
  const sockets = { keepAlive: true, maxSockets: MOST_SOCKETS, timeout: IDLE_MS }
  const [plain, encrypted] = [new Agent(sockets), new TlsAgent(sockets)]
  return {
    name: 'boundedRequests',
    sendRequest: (request, next) => {
      request.agent = request.url.startsWith('https:') ? encrypted : plain
      return guard.call(judgeOf(request, onMissing), async (signal) => {
        // The time-out of the client ends with the headers, but the body may hang as well.
        request.abortSignal = signal
        return genuine(await next(request))
      })
    },
  }
}

/** Reads and unconditional writes may be repeated. An insert or a transaction may not. */
const isRepeatable = ({ method, headers }: Request): boolean =>
  method === 'GET' || (method !== 'POST' && [undefined, '*'].includes(headers.get('if-match')))

/**
 * Whether the request lists rows by a filter. Its time depends on the number of rows and tells nothing about the
 * service.
 */
const isScan = ({ method, url }: Request): boolean => method === 'GET' && new URL(url).pathname.endsWith('()')

const judgeOf =
  (request: Request, onMissing: () => void): Judge =>
  (error) => {
    if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) return undefined
    if (error instanceof NoAnswer) return { kind: isScan(request) ? 'local' : 'silent', isRepeatable: false }
    if (error instanceof TransactionRefused) return { kind: 'refusing', isRepeatable: false }
    const mayRepeat = isRepeatable(request)
    if (!(error instanceof RestError)) {
      return { kind: 'silent', isRepeatable: mayRepeat && error instanceof NotTheService }
    }
    const { statusCode, response, code = '' } = error
    if (statusCode !== undefined && response) return judgeStatus(statusCode, response, mayRepeat, onMissing)
    if (SHORT_OF.has(code)) return { kind: 'local', isRepeatable: true }
    return { kind: 'silent', isRepeatable: mayRepeat || NEVER_SENT.has(code) }
  }

function judgeStatus(status: number, response: Response, mayRepeat: boolean, onMissing: () => void): Fault | undefined {
  if (BUSY.has(status)) return { kind: 'refusing', isRepeatable: true, retryAfterMs: retryAfterMs(response) }
  // An error with a good status means that the body could not be read.
  if (status < 400 || !isOfService(response)) return { kind: 'silent', isRepeatable: mayRepeat }
  if (status >= 500 || status === TIMED_OUT) return { kind: 'refusing', isRepeatable: mayRepeat }
  // Without the table every row would seem gone: an alert would find no session and do nothing.
  if (response.headers.get('x-ms-error-code') === 'TableNotFound') {
    onMissing()
    return { kind: 'refusing', isRepeatable: false }
  }
  return NOT_LET_IN.has(status) ? { kind: 'refusing', isRepeatable: false } : undefined
}

/**
 * Every answer of the service, and of the emulator, has one of these headers. The page of a proxy or the redirect of
 * a portal has neither.
 */
const isOfService = ({ headers, status }: Response): boolean =>
  (headers.has('x-ms-version') || headers.has('x-ms-request-id')) && (status < 300 || status >= 400)

const FAILED_INSIDE = /^HTTP\/1\.1 (?:429|5\d\d)/m

function genuine(response: Response): Response {
  const { headers, status, bodyAsText } = response
  const isBatch = /multipart/i.test(headers.get('content-type') ?? '')
  const isWhole = isBatch ? /--\s*$/.test(bodyAsText ?? '') : status !== 200 || Boolean(bodyAsText)
  if (isBatch && FAILED_INSIDE.test(bodyAsText ?? '')) throw new TransactionRefused('an operation could not be served')
  if (isOfService(response) && isWhole) return response
  throw new NotTheService(`The answer (status ${status}) is cut, or is not from the table service.`)
}

/** In seconds, or as a date. @see RFC 9110 10.2.3 */
function retryAfterMs({ headers }: Response): number | undefined {
  const text = headers.get('retry-after')
  if (text === undefined) return undefined
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}
