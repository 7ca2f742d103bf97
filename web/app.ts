import { fileURLToPath } from 'node:url'
import compression from 'compression'
import express, { type Express, type RequestHandler } from 'express'
import helmet from 'helmet'
import { REQUEST_MS, withBudget } from '../shared/bounded.ts'
import type { ServiceLog } from '../shared/log.ts'
import type { Probes } from '../shared/probes.ts'
import { ProblemError } from '../shared/problem.ts'
import type { LiveSessions, SessionLedger } from '../shared/stores/port.ts'
import type { BuiltAssets } from './built-assets.ts'
import type { ContainDeps } from './contain/handler.ts'
import type { Cookies } from './cookies.ts'
import { refuseCrossSite } from './csrf.ts'
import { readForm } from './form.ts'
import type { FunctionsClient } from './functions-client.ts'
import { health, ready } from './health.ts'
import { showAccount, submitPassword } from './pages/account.ts'
import { showConfirm, submitConfirm } from './pages/confirm.ts'
import { submitConsent } from './pages/consent.ts'
import { showDashboard, submitEnd, submitEndOthers } from './pages/dashboard.ts'
import { submitHistory } from './pages/history.ts'
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
import { securityTxt } from './security-txt.ts'
import { readSession, requireHolder, requireSession, type SessionDeps, tellEnding } from './session.ts'
import { showSession } from './session-watch.ts'
import type { Strangers } from './strangers.ts'
import { observeVisit } from './visit.ts'

export interface WebDeps
  extends Omit<SessionDeps, 'log' | 'sessions' | 'ledger'>,
    Omit<ContainDeps, 'log' | 'sessions' | 'ledger'> {
  webOrigin: string
  mailboxUrl: string | undefined
  securityContact: string | undefined
  assets: BuiltAssets
  /** Undefined without a configuration for RUM. */
  rum: Rum | undefined
  strangers: Strangers
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

  // No page has a secret beside text of the request, so compression reveals none (BREACH).
  app.use(compression())
  app.use(bounded, observeVisit(deps), securityHeaders(deps), refuseCrossSite(deps))
  app.get('/__health', health)
  app.get('/__ready', ready(deps))
  app.get('/icon.svg', icon)
  app.get('/favicon.ico', (_request, response) => response.redirect(308, '/icon.svg'))
  app.get('/robots.txt', robots)
  // https://www.w3.org/TR/change-password-url/
  app.get('/.well-known/change-password', (_request, response) => response.redirect(303, '/account'))
  app.get('/.well-known/security.txt', securityTxt(deps))
  app.locals.assets = deps.assets.files
  app.use('/assets', assets(deps.assets.folder))

  app.get('/session', showSession(deps))

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
  app.get('/', tellEnding, showLanding(deps))
  app.get('/login', tellEnding, showSignIn(deps))
  app.post('/login', submitSignIn(deps))
  app.get('/register', tellEnding, showRegister(deps))
  app.post('/register', submitRegister(deps))
  app.get('/register/sent', showSent(deps))
  app.get('/confirm', showConfirm(deps))
  app.post('/confirm', submitConfirm(deps))
  app.get('/mfa', tellEnding, showMfa(deps))
  app.post('/mfa', submitMfa(deps))

  if (deps.rum) app.post('/consent', submitConsent)

  app.get('/dashboard', requireSession, showDashboard(deps))
  app.post('/dashboard/end', requireSession, submitEnd(deps))
  app.post('/dashboard/end-others', requireSession, submitEndOthers(deps))
  app.get('/account', requireSession, showAccount(deps))
  // After a form was answered with a page, its address is in the address bar.
  for (const path of DASHBOARD_FORMS) {
    app.get(path, requireSession, (_request, response) => response.redirect(303, '/dashboard'))
  }
  for (const path of ACCOUNT_FORMS) {
    app.get(path, requireSession, (_request, response) => response.redirect(303, '/account'))
  }
  app.post('/account/history', requireSession, submitHistory(deps))
  app.post('/account/password', requireSession, submitPassword(deps))
  app.post('/account/totp', requireSession, submitEnrol(deps))
  app.post('/account/totp/confirm', requireSession, submitTotpConfirm(deps))
  app.post('/account/totp/disable', requireSession, submitDisable(deps))
  app.post('/account/reauth', requireHolder, submitReauth(deps))
  app.post('/logout', requireHolder, submitSignOut(deps))
}

const DASHBOARD_FORMS = ['/dashboard/end', '/dashboard/end-others']
const ACCOUNT_FORMS = ['password', 'history', 'totp', 'totp/confirm', 'totp/disable', 'reauth'].map(
  (path) => `/account/${path}`,
)

/** Only the first page is for search engines. */
const robots: RequestHandler = (_request, response) => {
  response.type('text').send('User-agent: *\nDisallow: /\nAllow: /$\n')
}

/** Each file is named by its content, so that a browser keeps it for good. */
function assets(folder: URL): RequestHandler {
  return express.static(fileURLToPath(folder), {
    index: false,
    redirect: false,
    cacheControl: false,
    setHeaders: (response) => response.set('cache-control', 'public, max-age=31536000, immutable'),
  })
}

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
