import * as z from 'zod'
import { REVOKE_OP, RevokeCall } from '../../shared/containment/revoke-call.ts'
import type { NewEvent } from '../../shared/event.ts'
import { parseUniqueJson } from '../../shared/json.ts'
import type { ProblemCode } from '../../shared/problem.ts'
import { type SigningKeys, TOLERANCE_SECONDS, verify } from '../../shared/signature.ts'
import type { ReplayCache } from '../../shared/stores/port.ts'

export type CallFault = Extract<NewEvent, { evt: 'call' }>['reason']
export type CallReading = { kind: 'call'; call: RevokeCall } | { kind: 'refused'; reason: CallFault; code: ProblemCode }

export interface CallDeps {
  /** {@link revokeKeys}: the direction functions → web, and no other */
  keys: SigningKeys
  replays: Pick<ReplayCache, 'accept'>
  now: () => number
}

const Named = z.object({ op: z.string() })

/**
 * Judges a signed call in the order that tells a stranger least: the signature over the raw bytes, the clock, and only
 * then what the bytes say. An id is spent only by a call that is right in all else.
 * @throws if the replay cache cannot be asked: a call that cannot be checked is not accepted
 */
export async function readCall(
  request: { signature: string | undefined; contentType: string | undefined; body: Buffer },
  deps: CallDeps,
): Promise<CallReading> {
  const verified = verify(request.signature, request.body, deps.keys, deps.now())
  if ('fault' in verified) return refused(verified.fault)
  if (!/^application\/json(?:\s*;|$)/i.test(request.contentType ?? '')) return refused('malformed', 'request-malformed')
  const body = parseJson(request.body)
  const call = RevokeCall.safeParse(body)
  const { data: named } = call.success ? call : Named.safeParse(body)
  if (named && named.op !== REVOKE_OP) return refused('wrong_route')
  if (!call.success) return refused('malformed', 'request-malformed')
  // A second more than the signature holds, which is good at the very instant `t` + 300 s still.
  const until = (verified.t + TOLERANCE_SECONDS + 1) * 1000
  return (await deps.replays.accept(call.data.id, until)) ? { kind: 'call', call: call.data } : refused('replayed')
}

/** 401 for whoever could not prove to be functions, 400 for what functions would never send. */
const refused = (reason: CallFault, code: ProblemCode = 'call-refused'): CallReading => ({
  kind: 'refused',
  reason,
  code,
})

const UTF_8 = new TextDecoder('utf-8', { fatal: true })

function parseJson(bytes: Buffer): unknown {
  try {
    return parseUniqueJson(UTF_8.decode(bytes))
  } catch {
    return undefined
  }
}
