import type { IncomingHttpHeaders } from 'node:http'
import type { RequestHandler, Response } from 'express'
import { clientAddress } from '../shared/client/address.ts'
import {
  type Client,
  type ClientDeps,
  describeHeaders,
  type ForwardedClient,
  observeClient,
} from '../shared/client/client.ts'
import { RumSessionId } from '../shared/event.ts'
import type { SessionCheck } from '../shared/session/present.ts'

/** One request, as far as our own platform vouches for it, with its session. */
export interface Visit {
  client: Client
  token: string | undefined
  check: SessionCheck
}

/** The first middleware: every answer, also a refusal, has a request id and an address. */
export const observeVisit =
  (deps: ClientDeps): RequestHandler =>
  (request, response, next) => {
    response.locals.visit = { client: clientOf(request.headers, deps), token: undefined, check: { kind: 'missing' } }
    next()
  }

export const visitOf = (response: Response): Visit => response.locals.visit

/**
 * Only the last hop of X-Forwarded-For is ours: the router of Heroku appended it, and the client may have typed the
 * rest.
 */
export function clientOf(headers: IncomingHttpHeaders, deps: ClientDeps): Client {
  const text = (name: string) => headers[name]?.toString()
  const ip = clientAddress(text('x-forwarded-for'))
  const described = describeHeaders(text)
  return observeClient({ ip, ...described, via: 'web' }, deps)
}

/** The facts that functions needs about the caller of a session. */
export const callOf = (visit: Visit): { client: ForwardedClient; token: string | undefined } => ({
  client: forwardedClient(visit),
  token: visit.token,
})

/**
 * The facts about the browser for functions, inside the signed body.
 * @param said the fields that the script of the form collected; a RUM session of another form is dropped
 */
export function forwardedClient(
  { client }: Visit,
  { hints, rum }: { hints?: string | undefined; rum?: string | undefined } = {},
): ForwardedClient {
  const { platform, mobile } = client.hints
  const rumSession = RumSessionId.safeParse(rum)
  return {
    ip: client.ip,
    user_agent: client.userAgent,
    ch: { ...(platform !== undefined && { platform }), ...(mobile !== undefined && { mobile }) },
    ...(hints && { hints: hints.slice(0, 1024) }),
    ...(rumSession.success && { rum_session_id: rumSession.data }),
  }
}
