import type { HttpRequest } from '@azure/functions'
import * as z from 'zod'
import { actorOf, type Client, type ClientDeps, ForwardedClient, observeClient } from '../../shared/client/client.ts'
import { actorFields } from '../../shared/client/event.ts'
import type { Emit } from '../../shared/event.ts'
import { ProblemError } from '../../shared/problem.ts'
import { SIGNATURE_HEADER, type SigningKeys } from '../../shared/signature.ts'
import { type ReadingDeps, readSigned, signedFields } from '../../shared/signed-call.ts'
import { directClient, parseJson, readBody } from '../http.ts'

/** The signed envelope of web: the browser, and the route of this call. */
const SignedCall = z.strictObject({ ...signedFields, client: ForwardedClient, data: z.unknown() })

export interface CallDeps extends ClientDeps, Omit<ReadingDeps, 'keys'> {
  webKeys: SigningKeys
  emit: Emit
}

export interface Call {
  client: Client
  /** The body, sent directly or passed on by web: parsed as JSON, not yet checked against a schema. */
  data: unknown
}

/**
 * Reads a call of the auth API. A call of web is signed and names the browser. For any other caller the client is
 * what our platform observed, and a `client` in the body is an unknown key.
 * @param route such as `POST /api/auth/login`, which a signed call must name
 * @throws ProblemError `call-refused` for an invalid signature, with one event that has the reason
 */
export async function readCall(request: HttpRequest, route: string, deps: CallDeps): Promise<Call> {
  const direct = directClient(request, deps)
  const signature = request.headers.get(SIGNATURE_HEADER)
  if (signature === null) return { client: direct, data: parseJson(await readBody(request), z.unknown()) }
  const body = await readBody(request)
  const contentType = request.headers.get('content-type') ?? undefined
  const { replays, now } = deps
  const reading = await readSigned({ signature, contentType, body }, route, SignedCall, {
    keys: deps.webKeys,
    replays,
    now,
  })
  if (reading.kind === 'refused') {
    const { reason } = reading
    const fields = actorFields(actorOf(direct, deps))
    deps.emit({ ...fields, evt: 'call', outcome: 'refused', reason, route: templateOf(route), level: 'warn' })
    throw new ProblemError('call-refused', { detail: `The signed call is ${reason.replace('_', ' ')}.` })
  }
  const { ip, user_agent, ch, hints, rum_session_id } = reading.call.client
  return {
    client: observeClient(
      { ip, userAgent: user_agent, hints: ch, formHints: hints, rumSessionId: rum_session_id, via: 'web' },
      deps,
    ),
    data: reading.call.data,
  }
}

/** The route for the log. A sid in it is text of the caller until the signature is verified, so it is replaced. */
const templateOf = (route: string): string => route.replace(/(?<= \/api\/auth\/sessions\/).*(?=\/end$)/s, '{sid}')

/** Reads a call of a route without data: a direct caller may leave out the body. */
export async function readBareCall(request: HttpRequest, route: string, deps: CallDeps): Promise<Call> {
  if (request.headers.get(SIGNATURE_HEADER) !== null) return readCall(request, route, deps)
  return { client: directClient(request, deps), data: undefined }
}
