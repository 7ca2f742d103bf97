import type { HttpHandler } from '@azure/functions'
import type { SigningKey } from '../../shared/config.ts'
import { ProblemError } from '../../shared/problem.ts'
import { type EndOthersDeps, endOther, endOtherSessions, logout } from '../../shared/session/end.ts'
import type { TokenDeps } from '../../shared/session/issue.ts'
import { listSessions } from '../../shared/session/list.ts'
import type { PresentDeps } from '../../shared/session/present.ts'
import { publicJwk } from '../../shared/session/token.ts'
import type { LiveSessions, SessionLedger, User, Users } from '../../shared/stores/port.ts'
import { type BoundaryDeps, bearerOf, directClient, problemBoundary } from '../http.ts'
import { DONE, issued } from './answers.ts'
import { type CallDeps, readBareCall } from './call.ts'
import { renewSession } from './renew.ts'
import { requireRecent, requireSession } from './session-guard.ts'

export interface SessionDeps
  extends Omit<PresentDeps, 'sessions' | 'ledger'>,
    Omit<EndOthersDeps, 'users' | 'sessions' | 'ledger'>,
    TokenDeps,
    CallDeps,
    BoundaryDeps {
  users: Pick<Users, 'findById' | 'endSessions'>
  sessions: LiveSessions
  ledger: SessionLedger
  signingKeys: readonly SigningKey[]
}

/** `GET /api/auth/session` → who am I */
export const sessionHandler = (deps: SessionDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { session } = await requireSession(bearerOf(request), directClient(request, deps), deps)
    const user = await deps.users.findById(session.userId)
    if (!user) throw new ProblemError('session-expired')
    return {
      status: 200,
      jsonBody: {
        sid: session.sid,
        user: accountOf(user),
        amr: session.amr,
        auth_time: new Date(session.authTime).toISOString(),
        absolute_expiry: new Date(session.absoluteExpiry).toISOString(),
      },
    }
  })

/** `POST /api/auth/account` → {id, email, mfa_enabled}: the account of the session */
export const accountHandler = (deps: SessionDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { client } = await readBareCall(request, 'POST /api/auth/account', deps)
    const { session } = await requireSession(bearerOf(request), client, deps)
    const user = await deps.users.findById(session.userId)
    if (!user) throw new ProblemError('session-expired')
    return { status: 200, jsonBody: accountOf(user) }
  })

const accountOf = ({ id, email, totp }: User) => ({ id, email, mfa_enabled: totp?.enabled ?? false })

/** `GET /api/auth/sessions` → the caller's live sessions */
export const sessionsHandler = (deps: SessionDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { session } = await requireSession(bearerOf(request), directClient(request, deps), deps)
    return { status: 200, jsonBody: { sessions: await listSessions(session.userId, session.sid, deps) } }
  })

/** `POST /api/auth/sessions/{sid}/end` → 204; 404 for a sid that is not the caller's */
export const sessionEndHandler = (deps: SessionDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { sid = '' } = request.params
    const { client } = await readBareCall(request, `POST /api/auth/sessions/${sid}/end`, deps)
    const check = await requireSession(bearerOf(request), client, deps)
    if (sid === check.session.sid) {
      await logout(check.session, check, deps)
      return DONE
    }
    requireRecent(check, deps)
    if (!(await endOther(check, sid, deps))) throw new ProblemError('not-found')
    return DONE
  })

/** `POST /api/auth/sessions/end` → 204: ends every session of the account except this one */
export const sessionsEndHandler = (deps: SessionDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { client } = await readBareCall(request, 'POST /api/auth/sessions/end', deps)
    const check = await requireSession(bearerOf(request), client, deps)
    requireRecent(check, deps)
    if (!(await endOtherSessions(check, deps))) throw new ProblemError('session-revoked')
    return DONE
  })

/** `POST /api/auth/logout` → 204 */
export const logoutHandler = (deps: SessionDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { client } = await readBareCall(request, 'POST /api/auth/logout', deps)
    const check = await requireSession(bearerOf(request), client, deps)
    await logout(check.session, check, deps)
    return DONE
  })

/** `POST /api/auth/session/renew` → {token, expires_at}; 409 with Retry-After if it is not due or is repeated */
export const renewHandler = (deps: SessionDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { client } = await readBareCall(request, 'POST /api/auth/session/renew', deps)
    const check = await requireSession(bearerOf(request), client, deps)
    const renewed = await renewSession(check, deps)
    switch (renewed.kind) {
      case 'renewed':
        return issued(renewed.token)
      case 'early':
      case 'repeated':
        throw new ProblemError('renewal-early', { retryAfterSeconds: renewed.retryAfterSeconds })
      case 'stale':
        throw new ProblemError('renewal-stale')
      case 'fork':
        throw new ProblemError('session-forked')
      case 'revoked':
        throw new ProblemError('session-revoked')
      case 'expired':
        throw new ProblemError('session-expired')
    }
  })

/** `GET /api/auth/jwks` → every public key: one is published before it signs. @see RFC 7517 5 */
export const jwksHandler = (deps: Pick<SessionDeps, 'signingKeys' | 'error'>): HttpHandler =>
  problemBoundary(deps, async () => ({
    status: 200,
    headers: { 'cache-control': 'public, max-age=60' },
    jsonBody: { keys: deps.signingKeys.map(publicJwk) },
  }))
