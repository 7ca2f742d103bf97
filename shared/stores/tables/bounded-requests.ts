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
/** Said before anything is carried out. @see https://learn.microsoft.com/azure/storage/tables/scalability-targets */
const BUSY = new Set([429, 503])
const NOT_LET_IN = new Set([401, 403])
const TIMED_OUT = 408

/** Of one process: what waits for its turn counts against its own limit, and file descriptors are few. */
const MOST_SOCKETS = 64
/** Before the service closes a connection that is not used, so that no request is sent into one that is closing. */
const IDLE_MS = 20_000

/** An answer that the table service did not give. */
class NotTheService extends Error {
  override readonly name = 'NotTheService'
}

/** The outermost policy of a table client: all tries of a request, and the waits between them, have one limit of time. */
export function boundedRequests(guard: StoreGuard): Policy {
  const sockets = { keepAlive: true, maxSockets: MOST_SOCKETS, timeout: IDLE_MS }
  const [plain, encrypted] = [new Agent(sockets), new TlsAgent(sockets)]
  return {
    name: 'boundedRequests',
    sendRequest: (request, next) => {
      request.agent = request.url.startsWith('https:') ? encrypted : plain
      return guard.call(judgeOf(request), async (signal) => {
        // The client's own time-out ends with the headers, and a body may hang as well.
        request.abortSignal = signal
        return genuine(await next(request))
      })
    },
  }
}

/** What is read, or written without a condition, may be done twice. An insert or a transaction may not. */
const judgeOf = ({ method, headers }: Request): Judge =>
  method === 'GET' || (method !== 'POST' && [undefined, '*'].includes(headers.get('if-match')))
    ? judgeRepeatable
    : judgeOnce

const judgeFor =
  (isRepeatable: boolean): Judge =>
  (error) => {
    if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) return undefined
    if (error instanceof NoAnswer) return { kind: 'silent', isRepeatable: false }
    if (!(error instanceof RestError))
      return { kind: 'silent', isRepeatable: isRepeatable && error instanceof NotTheService }
    const { statusCode, response, code = '' } = error
    if (statusCode !== undefined && response) return judgeStatus(statusCode, response, isRepeatable)
    if (SHORT_OF.has(code)) return { kind: 'local', isRepeatable: true }
    return { kind: 'silent', isRepeatable: isRepeatable || NEVER_SENT.has(code) }
  }
const judgeRepeatable = judgeFor(true)
const judgeOnce = judgeFor(false)

function judgeStatus(status: number, response: Response, isRepeatable: boolean): Fault | undefined {
  if (BUSY.has(status)) return { kind: 'refusing', isRepeatable: true, retryAfterMs: retryAfterMs(response) }
  // An error in spite of a good status is a body that could not be read.
  if (status < 400 || !isOfService(response)) return { kind: 'silent', isRepeatable }
  if (status >= 500 || status === TIMED_OUT) return { kind: 'refusing', isRepeatable }
  return NOT_LET_IN.has(status) ? { kind: 'refusing', isRepeatable: false } : undefined
}

/** Every answer of the service has these, the emulator's too. A proxy's page and a portal's redirect have neither. */
const isOfService = ({ headers, status }: Response): boolean =>
  (headers.has('x-ms-version') || headers.has('x-ms-request-id')) && (status < 300 || status >= 400)

function genuine(response: Response): Response {
  const { headers, status, bodyAsText } = response
  const isBatch = /multipart/i.test(headers.get('content-type') ?? '')
  const isWhole = isBatch ? /--\s*$/.test(bodyAsText ?? '') : status !== 200 || Boolean(bodyAsText)
  if (isOfService(response) && isWhole) return response
  throw new NotTheService(`status ${status} of something that is not the table service, or cut`)
}

/** In seconds, or as a date. @see RFC 9110 10.2.3 */
function retryAfterMs({ headers }: Response): number | undefined {
  const text = headers.get('retry-after')
  if (text === undefined) return undefined
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}
