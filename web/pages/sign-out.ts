import type { RequestHandler } from 'express'
import { logout } from '../../shared/session/end.ts'
import { Nothing } from '../functions-client.ts'
import { holderOf } from '../session.ts'
import { callOf } from '../visit.ts'
import type { PageDeps } from './deps.ts'

/** Signing out works without functions: web then ends the session by the same rules. */
export const submitSignOut =
  (deps: PageDeps): RequestHandler =>
  async (_request, response) => {
    const visit = holderOf(response)
    const answer = await deps.functions.post('auth/logout', Nothing, callOf(visit))
    if (answer.kind === 'refused') await logout(visit.check.session, visit.check, deps)
    deps.cookies.clear(response, 'mfa', 'session')
    response.redirect(303, '/login?notice=signed-out')
  }
