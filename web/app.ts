import { fileURLToPath } from 'node:url'
import express, { type Express, type RequestHandler } from 'express'
import helmet from 'helmet'
import { REQUEST_MS, withBudget } from '../shared/bounded.ts'
import type { ServiceLog } from '../shared/log.ts'
import type { Probes } from '../shared/probes.ts'
import { ProblemError } from '../shared/problem.ts'
import type { LiveSessions, SessionLedger } from '../shared/stores/port.ts'
import type { ContainDeps } from './contain/handler.ts'
import type { Cookies } from './cookies.ts'
import { refuseCrossSite } from './csrf.ts'
import { readForm } from './form.ts'
import type { FunctionsClient } from './functions-client.ts'
import { health, ready } from './health.ts'
import { showAccount, submitPassword } from './pages/account.ts'
import { showConfirm, submitConfirm } from './pages/confirm.ts'
import { submitConsent } from './pages/consent.ts'
import { showDashboard, submitEnd } from './pages/dashboard.ts'
import { icon } from './pages/icon.ts'
import { showLanding } from './pages/landing.ts'
import { showMfa, submitMfa } from './pages/mfa.ts'
import { answerProblem } from './pages/problem.ts'
import { submitReauth } from './pages/reauth.ts'
import { showRegister, showSent, submitRegister } from './pages/register.ts'
import { showSignIn, submitSignIn } from './pages/sign-in.ts'
import { submitSignOut } from './pages/sign-out.ts'
import { submitDisable, submitEnrol, submitConfirm as submitTotpConfirm } from './pages/totp.ts'
import { offerRum, type Rum } from './rum.ts'
import { readSession, requireHolder, requireSession, type SessionDeps, tellEnding } from './session.ts'
import { observeVisit } from './visit.ts'

export interface WebDeps
  extends Omit<SessionDeps, 'log' | 'sessions' | 'ledger'>,
    Omit<ContainDeps, 'log' | 'sessions' | 'ledger'> {
  webOrigin: string
  mailboxUrl: string | undefined
  /** The folder of `style.css` and the built scripts. */
  assets: URL
  /** Undefined without a configuration for RUM. */
  rum: Rum | undefined
  sessions: LiveSessions
  ledger: SessionLedger
  functions: FunctionsClient
  cookies: Cookies
  probes: Probes
  log: ServiceLog
}

/**
 * The app without a port. The order matters: a middleware that must see or answer every request comes before any that
 * could refuse or delay it.
 */
export function createApp(deps: WebDeps): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.enable('case sensitive routing')
  app.enable('strict routing')
  // Trusts one hop, the router of Heroku. Addresses come from `clientAddress`, and links and redirects never use a
  // Host header.
  app.set('trust proxy', 1)
  app.set('query parser', 'simple')

  app.use(bounded, observeVisit(deps), securityHeaders(deps), refuseCrossSite(deps))
  app.get('/__health', health)
  app.get('/__ready', ready(deps))
  app.get('/icon.svg', icon)
  app.use('/assets', assets(deps.assets))

  app.use(offerRum(deps), readSession(deps), readForm)
  addPages(app, deps)
  app.use(() => {
    throw new ProblemError('not-found')
  })
  app.use(answerProblem(deps))
  return app
}

/** All store calls of one request share one time limit. */
const bounded: RequestHandler = (_request, _response, next) => withBudget(REQUEST_MS, next)

function addPages(app: Express, deps: WebDeps): void {
  app.get('/', tellEnding, showLanding)
  app.get('/login', tellEnding, showSignIn(deps))
  app.post('/login', submitSignIn(deps))
  app.get('/register', tellEnding, showRegister)
  app.post('/register', submitRegister(deps))
  app.get('/register/sent', showSent(deps))
  app.get('/confirm', showConfirm(deps))
  app.post('/confirm', submitConfirm(deps))
  app.get('/mfa', tellEnding, showMfa(deps))
  app.post('/mfa', submitMfa(deps))

  if (deps.rum) app.post('/consent', submitConsent)

  app.get('/dashboard', requireSession, showDashboard(deps))
  app.post('/dashboard/end', requireSession, submitEnd(deps))
  app.get('/account', requireSession, showAccount(deps))
  app.post('/account/password', requireSession, submitPassword(deps))
  app.post('/account/totp', requireSession, submitEnrol(deps))
  app.post('/account/totp/confirm', requireSession, submitTotpConfirm(deps))
  app.post('/account/totp/disable', requireSession, submitDisable(deps))
  app.post('/account/reauth', requireHolder, submitReauth(deps))
  app.post('/logout', requireHolder, submitSignOut(deps))
}

/** A file named by its content may be cached forever; other files may change. */
function assets(folder: URL): RequestHandler {
  return express.static(fileURLToPath(folder), {
    index: false,
    redirect: false,
    cacheControl: false,
    setHeaders: (response, path) => {
      if (NAMED_BY_CONTENT.test(path)) response.set('cache-control', 'public, max-age=31536000, immutable')
    },
  })
}
const NAMED_BY_CONTENT = /-[A-Z0-9]{8}\.js$/

/** Forbids inline code, foreign resources, framing and caching. */
function securityHeaders({ webOrigin, rum }: Pick<WebDeps, 'webOrigin' | 'rum'>): RequestHandler[] {
  const secure = webOrigin.startsWith('https://')
  const policy = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'script-src': ["'self'"],
        'style-src': ["'self'"],
        'img-src': ["'self'"],
        'connect-src': rum && rum.intake !== webOrigin ? ["'self'", rum.intake] : ["'self'"],
        'form-action': ["'self'"],
        'base-uri': ["'none'"],
        'frame-ancestors': ["'none'"],
      },
    },
    // `no-referrer`, helmet's own, would make older browsers send `Origin: null` with our own forms.
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: secure ? { maxAge: 31_536_000, includeSubDomains: true } : false,
    xFrameOptions: { action: 'deny' },
  })
  const noStore: RequestHandler = (_request, response, next) => {
    response.set('cache-control', 'no-store')
    next()
  }
  return [policy, noStore]
}
