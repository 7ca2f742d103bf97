import type { HttpHandler } from '@azure/functions'
import { ProblemError } from '../../shared/problem.ts'
import type { PresentDeps } from '../../shared/session/present.ts'
import { type BoundaryDeps, bearerOf, problemBoundary } from '../http.ts'
import { type CallDeps, readBareCall } from './call.ts'
import { type HistoryDeps, readHistory } from './history.ts'
import { requireRecent, requireSession } from './session-guard.ts'

/**
 * `POST /api/auth/history` → {entries: [{at, event, reason?, sid?, device?, ip?, country?}], complete}: what happened
 * to the account in the last 30 days, newest first. The trail of addresses is for the owner, so a session that has not
 * proved the password lately gets 403.
 */
export const historyHandler = (deps: HistoryDeps & PresentDeps & CallDeps & BoundaryDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { client } = await readBareCall(request, 'POST /api/auth/history', deps)
    const check = await requireSession(bearerOf(request), client, deps)
    requireRecent(check, deps)
    const outcome = await readHistory(check, deps)
    if (outcome.kind === 'throttled') {
      throw new ProblemError('throttled', { retryAfterSeconds: outcome.retryAfterSeconds })
    }
    const { entries, complete } = outcome
    return { status: 200, jsonBody: { entries, complete } }
  })
