import type { HttpHandler, HttpMethod } from '@azure/functions'
import { confirmHandler } from './auth/confirm-handler.ts'
import { passwordHandler, reauthHandler } from './auth/credentials-handler.ts'
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
  register: { method: 'POST', route: 'auth/register', handler: registerHandler(deps) },
  confirm: { method: 'POST', route: 'auth/confirm', handler: confirmHandler(deps) },
  login: { method: 'POST', route: 'auth/login', handler: loginHandler(deps) },
  logout: { method: 'POST', route: 'auth/logout', handler: logoutHandler(deps) },
  reauth: { method: 'POST', route: 'auth/reauth', handler: reauthHandler(deps) },
  password: { method: 'POST', route: 'auth/password', handler: passwordHandler(deps) },
  account: { method: 'POST', route: 'auth/account', handler: accountHandler(deps) },
  mfaVerify: { method: 'POST', route: 'auth/mfa/verify', handler: mfaVerifyHandler(deps) },
  mfaEnrol: { method: 'POST', route: 'auth/mfa/enrol', handler: mfaEnrolHandler(deps) },
  mfaConfirm: { method: 'POST', route: 'auth/mfa/confirm', handler: mfaConfirmHandler(deps) },
  mfaDisable: { method: 'POST', route: 'auth/mfa/disable', handler: mfaDisableHandler(deps) },
  session: { method: 'GET', route: 'auth/session', handler: sessionHandler(deps) },
  sessionRenew: { method: 'POST', route: 'auth/session/renew', handler: renewHandler(deps) },
  sessions: { method: 'GET', route: 'auth/sessions', handler: sessionsHandler(deps) },
  sessionEnd: { method: 'POST', route: 'auth/sessions/{sid}/end', handler: sessionEndHandler(deps) },
  jwks: { method: 'GET', route: 'auth/jwks', handler: jwksHandler(deps) },
  contain: { method: 'POST', route: 'contain', authLevel: 'function', handler: containHandler(deps) },
  health: { method: 'GET', route: 'health', handler: healthHandler(deps) },
})
