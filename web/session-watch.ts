import type { RequestHandler, Response } from 'express'
import { networkOf } from '../shared/client/address.ts'
import { type Client, deviceOf } from '../shared/client/client.ts'
import { renderProblem } from '../shared/problem.ts'
import { type PresentDeps, presentSession, type SessionCheck } from '../shared/session/present.ts'
import type { LiveSessions } from '../shared/stores/port.ts'
import type { Cookies } from './cookies.ts'
import { problemOfCheck, storeFailed } from './problems.ts'
import { noteStranger, type SessionDeps } from './session.ts'
import { visitOf } from './visit.ts'

/** What an open page learns of its session. */
export type SessionLife = { alive: true } | { alive: false; title: string; detail?: string | undefined }

export interface WatchDeps extends PresentDeps, Pick<SessionDeps, 'strangers' | 'log'> {
  sessions: Pick<LiveSessions, 'present' | 'read'>
  cookies: Pick<Cookies, 'read'>
}

/**
 * `GET /session` → 200 {alive: true}, or {alive: false, title, detail} with the reason. The script of an open page asks
 * it every few seconds. The question is no use of the session: it moves no deadline, and ten open tabs of an
 * owner must not look like ten uses of a revoked session. Only a device other than that of the session leaves its
 * event, and is noted for the notice, as at every page.
 */
export const showSession =
  (deps: WatchDeps): RequestHandler =>
  async (request, response: Response<SessionLife>) => {
    const { client } = visitOf(response)
    const check = await checkOf(deps.cookies.read(request, 'session'), client, deps).catch(storeFailed)
    if ('session' in check) await noteStranger(check, deps)
    // A challenged session lives, and its page asks for the password.
    if (check.kind === 'accepted' || check.kind === 'challenged') return response.json({ alive: true })
    // The browser keeps its cookie, so that the next page shows the notice.
    const { title, detail } = renderProblem(problemOfCheck(check), client.requestId).document
    response.json({ alive: false, title, detail })
  }

async function checkOf(
  token: string | undefined,
  client: Client,
  deps: WatchDeps,
): Promise<{ kind: 'accepted' } | SessionCheck> {
  if (token === undefined) return { kind: 'missing' }
  const now = deps.now()
  const verification = await deps.verifyToken(token, now)
  if (verification.kind !== 'verified' || verification.claims.aud !== client.via) return { kind: 'expired' }
  const { sid, sub: userId, gen } = verification.claims
  const session = await deps.sessions.read(sid, now)
  if (session) {
    const isOwn = deviceOf(client, deps, session.deviceHash) === session.deviceHash
    return isOwn ? { kind: 'accepted' } : presentSession(token, client, deps)
  }
  // It is over, so this changes nothing and gives the reason.
  const presented = await deps.sessions.present({ sid, userId, gen, network: networkOf(client.ip) }, now)
  return presented.kind === 'revoked' ? { kind: 'revoked', sid, ...presented.tombstone } : { kind: 'expired' }
}
