import * as z from 'zod'
import { Sid } from '../event.ts'
import { postSigned, type SigningDeps, signedFields } from '../signed-call.ts'
import { WEB_TIMEOUT_MS } from './policy.ts'

export const REVOKE_PATH = '/contain/revoke'
export const REVOKE_OP = `POST ${REVOKE_PATH}`

/** The body of the signed call functions → web. */
export const RevokeCall = z.strictObject({
  ...signedFields,
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

export interface RevokeCallDeps extends SigningDeps {
  webOrigin: string
}

/**
 * Asks web to revoke one session.
 * @returns what web did
 * @throws if web has not accepted within {@link WEB_TIMEOUT_MS}; web may have acted nevertheless
 */
export async function callRevoke(
  revoke: { sid: string; detection: string; containmentId: string; reason: string },
  deps: RevokeCallDeps,
): Promise<'success' | 'noop'> {
  const { sid, detection, containmentId, reason } = revoke
  const content: Omit<RevokeCall, 'id' | 'op'> = {
    action: 'revoke',
    sid,
    reason,
    detection,
    containment_id: containmentId,
  }
  const response = await postSigned(deps.webOrigin, REVOKE_PATH, content, { timeoutMs: WEB_TIMEOUT_MS }, deps)
  if (!response.ok) throw new Error(`web answered ${response.status} to a revoke`)
  const answer = RevokeAnswer.parse(await response.json())
  if (answer.sid !== sid) throw new Error('web answered for another session')
  return answer.result
}
