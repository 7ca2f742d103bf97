import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions'
import type * as z from 'zod'
import { REQUEST_MS, withBudget } from '../shared/bounded.ts'
import { clientAddress } from '../shared/client/address.ts'
import { type Client, type ClientDeps, describeHeaders, observeClient } from '../shared/client/client.ts'
import { FUNCTIONS_SITE, isCrossSite } from '../shared/client/cross-site.ts'
import { parseUniqueJson, RepeatedKey } from '../shared/json.ts'
import { type ProblemCode, ProblemError, problems, renderProblem } from '../shared/problem.ts'
import { retryAfterOf } from '../shared/stores/unavailable.ts'

/** Our own limit, because the host allows 100 MB. The largest honest body has a few hundred bytes. */
const BODY_LIMIT = 16 * 1024

export interface BoundaryDeps {
  error: (error: unknown, message: string, fields?: Record<string, string | number>) => void
}

type Handler = (request: HttpRequest, context: InvocationContext) => Promise<HttpResponseInit>

/**
 * Turns the error of a handler into problem+json. An unexpected error is logged, and the caller gets no details.
 * @param budgetMs the time limit of the handler for all store calls
 */
export const problemBoundary =
  (deps: BoundaryDeps, handler: Handler, { budgetMs = REQUEST_MS }: { budgetMs?: number } = {}): HttpHandler =>
  async (request, context) => {
    try {
      if (isFromPage(request)) throw new ProblemError('request-forged')
      return await withBudget(budgetMs, () => handler(request, context))
    } catch (error) {
      const instance = context.invocationId
      const { status, document, headers } = renderProblem(asProblem(error), instance)
      if (status >= 500) deps.error(error, problems[document.code].title, { instance, function: context.functionName })
      return { status, headers: { ...headers, ...challengeOf(document.code) }, body: JSON.stringify(document) }
    }
  }

/** Refused before any event: otherwise a page of another site could get the address of its visitor blocked. */
const isFromPage = ({ method, headers }: HttpRequest): boolean => {
  const [fetchSite, origin] = [headers.get('sec-fetch-site') ?? undefined, headers.get('origin') ?? undefined]
  return isCrossSite({ method, fetchSite, origin }, FUNCTIONS_SITE)
}

/** The `WWW-Authenticate` of a refusal; without an error code if the client sent no token. @see RFC 6750 3 */
function challengeOf(code: ProblemCode): Record<string, string> {
  if (problems[code].status !== 401 || !code.startsWith('session-')) return {}
  return { 'www-authenticate': code === 'session-required' ? 'Bearer' : 'Bearer error="invalid_token"' }
}

/** A store that cannot be used denies the request, with a hint to try again. */
function asProblem(error: unknown): unknown {
  const retryAfterSeconds = retryAfterOf(error)
  return retryAfterSeconds === undefined ? error : new ProblemError('unavailable', { retryAfterSeconds, cause: error })
}

/**
 * Reads the raw bytes of a JSON request.
 * @throws ProblemError for another content type, and for a body that is over {@link BODY_LIMIT} or empty. The host
 * drops a chunked body without a Content-Length, and the empty rest must not pass for `{}`
 */
export async function readBody(request: HttpRequest): Promise<Buffer> {
  if (Number(request.headers.get('content-length') ?? 0) > BODY_LIMIT) throw new ProblemError('request-too-large')
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') {
    throw new ProblemError('request-malformed', { detail: 'Send JSON with Content-Type: application/json.' })
  }
  const body = Buffer.from(await request.arrayBuffer())
  if (body.length > BODY_LIMIT) throw new ProblemError('request-too-large')
  if (body.length === 0) {
    throw new ProblemError('request-malformed', { detail: 'The body is empty; a chunked body needs a Content-Length.' })
  }
  return body
}

export function parseJson<S extends z.ZodType>(body: Buffer, schema: S): z.infer<S> {
  let value: unknown
  try {
    value = parseUniqueJson(body)
  } catch (error) {
    const detail = error instanceof RepeatedKey ? 'A key of the body is repeated.' : 'The body is not JSON in UTF-8.'
    throw new ProblemError('request-malformed', { detail })
  }
  return checkShape(value, schema)
}

/** @throws ProblemError with the names of the wrong fields, never their values */
export function checkShape<S extends z.ZodType>(value: unknown, schema: S): z.infer<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const fields = result.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys' ? `unknown: ${issue.keys.length} key(s)` : issue.path.join('.') || 'body',
  )
  throw new ProblemError('request-malformed', { detail: `Not as expected: ${[...new Set(fields)].join(', ')}.` })
}

/** The client of a direct call, by the hop that the front end of Azure appended. */
export function directClient(request: HttpRequest, deps: ClientDeps): Client {
  const ip = clientAddress(request.headers.get('x-forwarded-for'))
  return observeClient({ ip, ...describeHeaders((name) => request.headers.get(name)), via: 'api' }, deps)
}

/** @returns the token of `Authorization: Bearer`; cookies belong to web @see RFC 6750 2.1 */
export const bearerOf = (request: HttpRequest): string | undefined =>
  /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
