import type { RequestHandler, Response } from 'express'
import { describeDevice } from '../shared/client/device.ts'
import type { ServiceLog } from '../shared/log.ts'
import { type Asking, type PresentDeps, presentSession, type SessionCheck } from '../shared/session/present.ts'
import type { Cookies } from './cookies.ts'
import { type FunctionsClient, RenewedToken } from './functions-client.ts'
import { problemOfCheck, storeFailed } from './problems.ts'
import type { Strangers } from './strangers.ts'
import { callOf, type Visit, visitOf } from './visit.ts'

/** The time limit of a renewal; the next page tries again. */
const RENEWAL_MS = 2_000

type Accepted = Extract<SessionCheck, { kind: 'accepted' }>
type Held = Accepted | Extract<SessionCheck, { kind: 'challenged' }>

export interface SessionDeps extends PresentDeps {
  cookies: Cookies
  functions: FunctionsClient
  strangers: Pick<Strangers, 'note'>
  log: Pick<ServiceLog, 'warn'>
}

/** Presents the token of the cookie, and renews it on page views if that is due. */
export const readSession =
  (deps: SessionDeps): RequestHandler =>
  async (request, response, next) => {
    const visit = visitOf(response)
    visit.token = deps.cookies.read(request, 'session')
    visit.check = await presentSession(visit.token, visit.client, deps).catch(storeFailed)
    if (visit.check.kind === 'accepted' || visit.check.kind === 'challenged') await noteStranger(visit.check, deps)
    if (request.method === 'GET' && visit.check.kind === 'accepted' && visit.check.renewalDue) {
      await renew(visit, response, deps)
    }
    next()
  }

/** Notes who uses the session of another device. A notice without its device is worth more than no page. */
export async function noteStranger(
  { session, deviceHash, client }: Asking,
  deps: Pick<SessionDeps, 'strangers' | 'log' | 'now'>,
): Promise<void> {
  if (deviceHash === session.deviceHash) return
  const stranger = { device: describeDevice(client.userAgent), ip: client.ip, at: deps.now() }
  await deps.strangers.note(session.sid, stranger, session.absoluteExpiry).catch(() => {
    deps.log.warn('the device that uses the session of another one could not be noted', { sid: session.sid })
  })
}

/** The present token stays valid until its successor is presented, so a failed renewal does no harm. */
async function renew(visit: Visit, response: Response, deps: SessionDeps): Promise<void> {
  const call = { ...callOf(visit), timeoutMs: RENEWAL_MS }
  const answer = await deps.functions.post('auth/session/renew', RenewedToken, call)
  if (answer.kind === 'ok') deps.cookies.set(response, 'session', answer.value.token)
  else if (answer.code !== 'renewal-stale' && answer.code !== 'renewal-early')
    deps.log.warn('a session could not be renewed', { code: answer.code })
}

/** Lets only an accepted session continue, and tells everybody else the reason. */
export const requireSession: RequestHandler = (request, response, next) => {
  const { check } = visitOf(response)
  if (check.kind === 'accepted') return next()
  if (check.kind === 'missing' && request.method === 'GET') return response.redirect(303, '/login')
  throw problemOfCheck(check)
}

/** For the two actions of a challenged session: re-authentication and logout. */
export const requireHolder: RequestHandler = (_request, response, next) => {
  const { check } = visitOf(response)
  if (check.kind === 'accepted' || check.kind === 'challenged') return next()
  throw problemOfCheck(check)
}

/** Before a public page: a visitor with an ended session gets one notice. */
export const tellEnding: RequestHandler = (_request, response, next) => {
  const { check } = visitOf(response)
  const { kind } = check
  if (kind === 'revoked' || kind === 'fork' || kind === 'expired' || kind === 'invalid') throw problemOfCheck(check)
  next()
}

/** The session of a request after {@link requireSession}. */
export function sessionOf(response: Response): Visit & { check: Accepted } {
  const visit = visitOf(response)
  if (visit.check.kind !== 'accepted') throw new Error('a handler without requireSession asked for a session')
  return { ...visit, check: visit.check }
}

/** The session of a request after {@link requireHolder}. */
export function holderOf(response: Response): Visit & { check: Held } {
  const visit = visitOf(response)
  if (visit.check.kind !== 'accepted' && visit.check.kind !== 'challenged') {
    throw new Error('a handler without requireHolder asked for a session')
  }
  return { ...visit, check: visit.check }
}
