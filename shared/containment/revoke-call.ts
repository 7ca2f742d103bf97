import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { Sid } from '../event.ts'
import { SIGNATURE_HEADER, type SigningKeys, sign } from '../signature.ts'
import { WEB_TIMEOUT_MS } from './policy.ts'

/** The route is part of what is signed: a call for one route never works on another. */
export const REVOKE_OP = 'POST /contain/revoke'

/** The body of the signed call functions → web. */
export const RevokeCall = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/),
  op: z.string().max(64),
  action: z.literal('revoke'),
  sid: Sid,
  reason: z.string().max(128),
  detection: z.string().regex(/^[a-z][a-z0-9-]{1,62}$/),
  containment_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .optional(),
})
export type RevokeCall = z.infer<typeof RevokeCall>

const RevokeAnswer = z.object({ sid: Sid, result: z.enum(['success', 'noop']) })

export interface RevokeCallDeps {
  webOrigin: string
  keys: SigningKeys
  fetch: typeof fetch
  now: () => number
}

/**
 * Asks web to revoke one session.
 * @returns what web did
 * @throws if web has not accepted within {@link WEB_TIMEOUT_MS}; whether it acted all the same is then unknown
 */
export async function callRevoke(
  revoke: { sid: string; detection: string; containmentId: string; reason: string },
  deps: RevokeCallDeps,
): Promise<'success' | 'noop'> {
  const { sid, detection, containmentId, reason } = revoke
  const call: RevokeCall = {
    id: randomUUID(),
    op: REVOKE_OP,
    action: 'revoke',
    sid,
    reason,
    detection,
    containment_id: containmentId,
  }
  const body = JSON.stringify(call)
  const response = await deps.fetch(`${deps.webOrigin}/contain/revoke`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', [SIGNATURE_HEADER]: sign(body, deps.keys, deps.now()) },
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(WEB_TIMEOUT_MS),
  })
  if (!response.ok) throw new Error(`web answered ${response.status} to a revoke`)
  const answer = RevokeAnswer.parse(await response.json())
  if (answer.sid !== sid) throw new Error('web answered for another session')
  return answer.result
}
