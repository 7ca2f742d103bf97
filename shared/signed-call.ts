import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import type { NewEvent } from './event.ts'
import { parseUniqueJson } from './json.ts'
import { SIGNATURE_HEADER, type SigningKeys, sign, TOLERANCE_SECONDS, verify } from './signature.ts'
import type { ReplayCache } from './stores/port.ts'

/**
 * The fields of every signed body: an id that is accepted once, and the route, so that a call works on no other
 * route.
 */
export const signedFields = { id: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/), op: z.string() }

export interface SigningDeps {
  /** of the direction of the call: `revokeKeys` or `webKeys` */
  keys: SigningKeys
  fetch: typeof fetch
  /** epoch ms */
  now: () => number
}

/**
 * Signs and sends one call with a fresh id and time. It never retries: only the caller knows whether a retry is
 * allowed.
 * @param path of the route, such as `/contain/revoke`
 * @param content the body without `id` and `op`
 * @param options.timeoutMs until the body of the answer has been read
 * @param options.token of a session, sent as `Authorization: Bearer`
 * @throws if no answer or a redirect comes; the call may have been carried out nevertheless
 */
export function postSigned(
  origin: string,
  path: string,
  content: object,
  options: { timeoutMs: number; token?: string | undefined },
  deps: SigningDeps,
): Promise<Response> {
  const body = JSON.stringify({ id: randomUUID(), op: `POST ${path}`, ...content })
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    [SIGNATURE_HEADER]: sign(body, deps.keys, deps.now()),
  }
  if (options.token !== undefined) headers.authorization = `Bearer ${options.token}`
  const signal = AbortSignal.timeout(options.timeoutMs)
  return deps.fetch(origin + path, { method: 'POST', headers, body, redirect: 'error', signal })
}

export type CallFault = Extract<NewEvent, { evt: 'call' }>['reason']

/** `isProved`: the signature and its time are valid, so one of our keys signed the call. */
export type SignedReading<T> = { kind: 'call'; call: T } | { kind: 'refused'; reason: CallFault; isProved: boolean }

export interface SignedRequest {
  signature: string | undefined
  contentType: string | undefined
  /** exactly the bytes that came */
  body: Uint8Array
}

export interface ReadingDeps {
  /** of the direction of the call: `revokeKeys` or `webKeys` */
  keys: SigningKeys
  replays: Pick<ReplayCache, 'accept'>
  /** epoch ms */
  now: () => number
}

const Named = z.object({ op: z.string() })

/**
 * Checks a signed call in the order that reveals least to a stranger: the signature over the raw bytes, its time,
 * then the content: route, shape, id. Only a call that is right in everything else uses up its id.
 * @param op the route that the call must name, such as `POST /contain/revoke`
 * @param schema of the whole body, {@link signedFields} included
 * @throws if the replay cache fails: a call that cannot be checked is not accepted
 */
export async function readSigned<T extends { id: string; op: string }>(
  request: SignedRequest,
  op: string,
  schema: z.ZodType<T>,
  deps: ReadingDeps,
): Promise<SignedReading<T>> {
  const verified = verify(request.signature, request.body, deps.keys, deps.now())
  if ('fault' in verified) return { kind: 'refused', reason: verified.fault, isProved: false }
  const refused = (reason: CallFault) => ({ kind: 'refused', reason, isProved: true }) as const
  if (!/^application\/json(?:\s*;|$)/i.test(request.contentType ?? '')) return refused('malformed')
  const body = parseBody(request.body)
  const call = schema.safeParse(body)
  const { data: named } = call.success ? call : Named.safeParse(body)
  if (named && named.op !== op) return refused('wrong_route')
  if (!call.success) return refused('malformed')
  // A signature is valid up to and including `t` + 300 s, so its id is kept for one second more.
  const until = (verified.t + TOLERANCE_SECONDS + 1) * 1000
  return (await deps.replays.accept(call.data.id, until)) ? { kind: 'call', call: call.data } : refused('replayed')
}

function parseBody(bytes: Uint8Array): unknown {
  try {
    return parseUniqueJson(bytes)
  } catch {
    return undefined
  }
}
