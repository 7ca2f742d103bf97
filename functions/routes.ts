import type { HttpHandler, HttpMethod } from '@azure/functions'
import { confirmHandler } from './auth/confirm-handler.ts'
import { passwordHandler, reauthHandler } from './auth/credentials-handler.ts'
import { historyHandler } from './auth/history-handler.ts'
import { loginHandler } from './auth/login-handler.ts'
import { mfaConfirmHandler, mfaDisableHandler, mfaEnrolHandler, mfaVerifyHandler } from './auth/mfa-handler.ts'
import { registerHandler } from './auth/register-handler.ts'
import {
  accountHandler,
  jwksHandler,
  logoutHandler,
  renewHandler,
  sessionEndHandler,
  sessionHandler,
  sessionsEndHandler,
  sessionsHandler,
} from './auth/session-handler.ts'
import { containHandler } from './contain/handler.ts'
import type { FunctionsDeps } from './deps.ts'
import { healthHandler } from './health.ts'

export interface Route {
  method: HttpMethod
  route: string
  /** `function`: Azure requires a function key before our own check. */
  authLevel?: 'anonymous' | 'function'
  handler: HttpHandler
}

/**
 * Every HTTP trigger by its function name. Route templates never overlap, because the host matches in the order of
 * the names.
 */
export const routes = (deps: FunctionsDeps): Readonly<Record<string, Route>> => ({
  register: { method: 'POST', route: 'auth/register', handler: registerHandler(deps.auth) },
  confirm: { method: 'POST', route: 'auth/confirm', handler: confirmHandler(deps.auth) },
  login: { method: 'POST', route: 'auth/login', handler: loginHandler(deps.auth) },
  logout: { method: 'POST', route: 'auth/logout', handler: logoutHandler(deps.session) },
  reauth: { method: 'POST', route: 'auth/reauth', handler: reauthHandler(deps.auth) },
  password: { method: 'POST', route: 'auth/password', handler: passwordHandler(deps.auth) },
  history: { method: 'POST', route: 'auth/history', handler: historyHandler(deps.auth) },
  account: { method: 'POST', route: 'auth/account', handler: accountHandler(deps.session) },
  mfaVerify: { method: 'POST', route: 'auth/mfa/verify', handler: mfaVerifyHandler(deps.auth) },
  mfaEnrol: { method: 'POST', route: 'auth/mfa/enrol', handler: mfaEnrolHandler(deps.auth) },
  mfaConfirm: { method: 'POST', route: 'auth/mfa/confirm', handler: mfaConfirmHandler(deps.auth) },
  mfaDisable: { method: 'POST', route: 'auth/mfa/disable', handler: mfaDisableHandler(deps.auth) },
  session: { method: 'GET', route: 'auth/session', handler: sessionHandler(deps.session) },
  sessionRenew: { method: 'POST', route: 'auth/session/renew', handler: renewHandler(deps.session) },
  sessions: { method: 'GET', route: 'auth/sessions', handler: sessionsHandler(deps.session) },
  sessionsEnd: { method: 'POST', route: 'auth/sessions/end', handler: sessionsEndHandler(deps.session) },
  sessionEnd: { method: 'POST', route: 'auth/sessions/{sid}/end', handler: sessionEndHandler(deps.session) },
  jwks: { method: 'GET', route: 'auth/jwks', handler: jwksHandler(deps.session) },
  contain: { method: 'POST', route: 'contain', authLevel: 'function', handler: containHandler(deps.contain) },
  health: { method: 'GET', route: 'health', handler: healthHandler(deps.health) },
})
