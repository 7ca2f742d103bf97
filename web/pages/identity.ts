import type { ServiceLog } from '../../shared/log.ts'
import { AccountAnswer, type FunctionsClient, problemOf } from '../functions-client.ts'
import { callOf, type Visit } from '../visit.ts'

/** A page does not wait for a name any longer. */
const LOOK_UP_MS = 2_000

export interface Identity {
  /** What the page calls its visitor. */
  name: string
  /** Undefined while functions does not answer: web keeps no table of users. */
  mfaEnabled: boolean | undefined
}

/**
 * Who the visitor is, by functions' word. A page is not refused for want of a name: it then shows the account's id.
 * @throws ProblemError if functions found the session dead: it was ended since this request began
 */
export async function identityOf(
  visit: Visit,
  userId: string,
  deps: { functions: FunctionsClient; log: Pick<ServiceLog, 'warn'> },
): Promise<Identity> {
  const call = { ...callOf(visit), timeoutMs: LOOK_UP_MS }
  const answer = await deps.functions.post('auth/account', AccountAnswer, call)
  if (answer.kind === 'ok') return { name: answer.value.email, mfaEnabled: answer.value.mfa_enabled }
  if (answer.code.startsWith('session-')) throw problemOf(answer)
  deps.log.warn('a page goes without the name of its visitor', {
    code: answer.code,
    request_id: visit.client.requestId,
  })
  return { name: `account ${userId}`, mfaEnabled: undefined }
}
