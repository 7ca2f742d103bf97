import type { ServiceLog } from '../../shared/log.ts'
import { AccountAnswer, type FunctionsClient, problemOf } from '../functions-client.ts'
import { callOf, type Visit } from '../visit.ts'

/** The time limit for the name of the visitor. */
const LOOK_UP_MS = 2_000

export interface Identity {
  /** The name of the visitor on the page. */
  name: string
  /** Undefined while functions does not answer, because web has no table of users. */
  mfaEnabled: boolean | undefined
}

/**
 * Asks functions who the visitor is. Without an answer the page shows the id of the account.
 * @throws ProblemError if functions found that the session has ended since this request began
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
  deps.log.warn('the name of a visitor could not be read', {
    code: answer.code,
    request_id: visit.client.requestId,
  })
  return { name: `account ${userId}`, mfaEnabled: undefined }
}
