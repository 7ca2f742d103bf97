// Containment in web: ends one session at the signed request of functions.

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { REQUEST_MS, within } from '../../shared/bounded.ts'
import { actorOf, type Client, type ClientDeps } from '../../shared/client/client.ts'
import { isCrossSite, webSite } from '../../shared/client/cross-site.ts'
import { actorFields } from '../../shared/client/event.ts'
import { REVOKE_OP, RevokeCall } from '../../shared/containment/revoke-call.ts'
import type { ServiceLog } from '../../shared/log.ts'
import { type ProblemCode, ProblemError, renderProblem } from '../../shared/problem.ts'
import { SIGNATURE_HEADER } from '../../shared/signature.ts'
import { type CallFault, type ReadingDeps, readSigned } from '../../shared/signed-call.ts'
import { unavailable } from '../problems.ts'
import { clientOf } from '../visit.ts'
import { readBody } from './body.ts'
import { type RevokeDeps, revoke } from './revoke.ts'

export interface ContainDeps extends ClientDeps, Omit<RevokeDeps, 'log'> {
  /** the keys of functions → web only */
  calls: Pick<ReadingDeps, 'keys' | 'replays'>
  webOrigin: string
  log: Pick<ServiceLog, 'error'>
}

/** The fault of a call, with the reason for its event. */
class RefusedCall extends ProblemError {
  readonly reason: CallFault

  constructor(reason: CallFault, code: ProblemCode) {
    super(code)
    this.reason = reason
  }
}

/**
 * `POST /contain/revoke`: one event per call, whether it is carried out or refused. It comes before Express, whose
 * middleware costs several times as much as a signed call: in an attack that ends many sessions at once, this route
 * must keep up.
 */
export function revokeListener(deps: ContainDeps): RequestListener {
  const own = webSite(deps)
  const answers = answersOf(deps)
  const calls = { ...deps.calls, now: deps.now }

  const carryOut = async (request: IncomingMessage, client: () => Client) => {
    const { method = '', headers } = request
    const [fetchSite, contentType] = [headers['sec-fetch-site'], headers['content-type']]
    const [site, signature] = [fetchSite?.toString(), headers[SIGNATURE_HEADER]?.toString()]
    if (isCrossSite({ method, fetchSite: site, origin: headers.origin }, own)) throw new ProblemError('request-forged')
    const body = await readBody(request)
    if (typeof body === 'string') throw new RefusedCall('malformed', body)
    const reading = await readSigned({ signature, contentType, body }, REVOKE_OP, RevokeCall, calls)
    if (reading.kind === 'refused') throw new RefusedCall(reading.reason, codeOf(reading))
    const { call } = reading
    return { sid: call.sid, result: await revoke(call, () => client().requestId, deps) }
  }

  const tell = (problem: ProblemError, client: Client) => {
    if (!(problem instanceof RefusedCall)) return
    const fields = actorFields(actorOf(client, deps))
    deps.emit({ ...fields, evt: 'call', outcome: 'refused', reason: problem.reason, route: REVOKE_OP, level: 'warn' })
  }

  return (request, response) => {
    let seen: Client | undefined
    // Most calls name their containment and need no client.
    const client = () => (seen ??= clientOf(request.headers, deps))
    const refuse = (error: unknown) => {
      // Any other error comes from a store.
      const problem = error instanceof ProblemError ? error : unavailable(error)
      try {
        tell(problem, client())
      } finally {
        answers.problem(response, problem, client().requestId)
      }
    }
    // What is not carried out by then goes on, call by call: a revoke that has begun is better finished.
    within(REQUEST_MS, carryOut(request, client))
      .then((answer) => answers.success(response, answer), refuse)
      // If the log cannot be written, only this call fails: no other handler would catch the error before the process
      // ends.
      .catch(() => response.destroy())
  }
}

/** 401 for a caller that has not proved to be functions; 400 for content that functions never sends. */
const codeOf = ({ reason, isProved }: { reason: CallFault; isProved: boolean }): ProblemCode =>
  isProved && reason === 'malformed' ? 'request-malformed' : 'call-refused'

/**
 * The answers: JSON that a browser must not interpret, frame or cache. @see OWASP REST Security Cheat Sheet, Security
 * Headers
 */
function answersOf({ webOrigin, log }: Pick<ContainDeps, 'webOrigin' | 'log'>) {
  const common = flat({
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none';frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    ...(webOrigin.startsWith('https://') && { 'strict-transport-security': 'max-age=31536000; includeSubDomains' }),
  })
  const ofSuccess = [...common, 'content-type', 'application/json; charset=utf-8']
  const send = (response: ServerResponse, status: number, document: unknown, headers: readonly string[]) => {
    const body = JSON.stringify(document)
    response.writeHead(status, [...headers, 'content-length', String(Buffer.byteLength(body))]).end(body)
  }
  return {
    success(response: ServerResponse, answer: { sid: string; result: 'success' | 'noop' }) {
      send(response, 200, answer, ofSuccess)
    },
    problem(response: ServerResponse, problem: ProblemError, requestId: string) {
      const { status, document, headers } = renderProblem(problem, requestId)
      if (status >= 500) log.error(problem.cause ?? problem, document.title, { request_id: requestId })
      send(response, status, document, [...common, ...flat(headers)])
    },
  }
}

/** Alternating names and values: `writeHead` takes half the time for headers in this form. */
const flat = (headers: Record<string, string>): string[] => Object.entries(headers).flat()
