import type { RequestHandler, Response } from 'express'
import type { ServiceLog } from '../shared/log.ts'
import { type PresentDeps, presentSession, type SessionCheck } from '../shared/session/present.ts'
import type { Cookies } from './cookies.ts'
import { type FunctionsClient, RenewedToken } from './functions-client.ts'
import { problemOfCheck, storeFailed } from './problems.ts'
import { callOf, type Visit, visitOf } from './visit.ts'

/** A page does not wait for a renewal any longer; the next one asks again. */
const RENEWAL_MS = 2_000

type Accepted = Extract<SessionCheck, { kind: 'accepted' }>
type Held = Accepted | Extract<SessionCheck, { kind: 'challenged' }>

export interface SessionDeps extends PresentDeps {
  cookies: Cookies
  functions: FunctionsClient
  log: Pick<ServiceLog, 'warn'>
}

/** Presents the cookie's token, and renews it when that is due: on page views, because a form is answered by one. */
export const readSession =
  (deps: SessionDeps): RequestHandler =>
  async (request, response, next) => {
    const visit = visitOf(response)
    visit.token = deps.cookies.read(request, 'session')
    visit.check = await presentSession(visit.token, visit.client, deps).catch(storeFailed)
    if (request.method === 'GET' && visit.check.kind === 'accepted' && visit.check.renewalDue) {
      await renew(visit, response, deps)
    }
    next()
  }

/** The token in hand stays good until its successor is presented: a renewal that fails costs nothing. */
async function renew(visit: Visit, response: Response, deps: SessionDeps): Promise<void> {
  const call = { ...callOf(visit), timeoutMs: RENEWAL_MS }
  const answer = await deps.functions.post('auth/session/renew', RenewedToken, call)
  if (answer.kind === 'ok') deps.cookies.set(response, 'session', answer.value.token)
  else if (answer.code !== 'renewal-stale' && answer.code !== 'renewal-early')
    deps.log.warn('a session could not be renewed', { code: answer.code })
}

/** Only an accepted session goes on; everybody else is told why not. */
export const requireSession: RequestHandler = (request, response, next) => {
  const { check } = visitOf(response)
  if (check.kind === 'accepted') return next()
  if (check.kind === 'missing' && request.method === 'GET') return response.redirect(303, '/login')
  throw problemOfCheck(check)
}

/** For the two things that a challenged session may do: prove itself, and end. */
export const requireHolder: RequestHandler = (_request, response, next) => {
  const { check } = visitOf(response)
  if (check.kind === 'accepted' || check.kind === 'challenged') return next()
  throw problemOfCheck(check)
}

/** Before a public page: whoever comes with a session that has ended is told so first, once. */
export const tellEnding: RequestHandler = (_request, response, next) => {
  const { check } = visitOf(response)
  const { kind } = check
  if (kind === 'revoked' || kind === 'fork' || kind === 'expired' || kind === 'invalid') throw problemOfCheck(check)
  next()
}

/** The session of a request that {@link requireSession} let through. */
export function sessionOf(response: Response): Visit & { check: Accepted } {
  const visit = visitOf(response)
  if (visit.check.kind !== 'accepted') throw new Error('a handler without requireSession asked for a session')
  return { ...visit, check: visit.check }
}

/** The session of a request that {@link requireHolder} let through. */
export function holderOf(response: Response): Visit & { check: Held } {
  const visit = visitOf(response)
  if (visit.check.kind !== 'accepted' && visit.check.kind !== 'challenged') {
    throw new Error('a handler without requireHolder asked for a session')
  }
  return { ...visit, check: visit.check }
}
