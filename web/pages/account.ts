import type { RequestHandler } from 'express'
import { problems } from '../../shared/problem.ts'
import { formOf } from '../form.ts'
import { IssuedSession, problemOf } from '../functions-client.ts'
import { sessionOf } from '../session.ts'
import { forwardedClient } from '../visit.ts'
import { accountName } from './account-name.ts'
import { type PageDeps, sendPage } from './deps.ts'
import { type Html, html } from './html.ts'
import { input, layout, type Notice } from './layout.ts'
import { PASSWORD_HINT } from './register.ts'
import { waitText } from './sign-in.ts'

const NOTICES: Readonly<Record<string, Notice>> = {
  'password-changed': { tone: 'good', text: 'Your password is changed. Every other session is ended.' },
  'totp-on': { tone: 'good', text: 'Your authenticator app is on. You will be asked for a code at each sign-in.' },
  'totp-off': { tone: 'warning', text: 'Your authenticator app is off. Your password alone signs you in.' },
  confirmed: { tone: 'good', text: 'Thank you. Now do what you came for once more.' },
}

interface Account {
  name: string
  /** This session was signed in with a code, so an authenticator is on. Else web does not know. */
  withCode: boolean
  notice?: Notice | undefined
  errors?: { current?: string; next?: string }
}

const accountPage = ({ name, withCode, notice, errors = {} }: Account): Html =>
  layout(
    { title: 'Account', inside: true, wide: true, notice },
    html`<h1>Account</h1>
<p class="lead">Signed in as <strong>${name}</strong></p>
<section class="card" aria-labelledby="password">
<h2 id="password">Password</h2>
<form method="post" action="/account/password" class="stack">
${input({ name: 'current_password', label: 'Current password', type: 'password', autocomplete: 'current-password', error: errors.current })}
${input({ name: 'new_password', label: 'New password', type: 'password', autocomplete: 'new-password', hint: PASSWORD_HINT, error: errors.next })}
<p class="hint">Changing it ends every other session.</p>
<button>Change password</button>
</form>
</section>
<section class="card" aria-labelledby="factor">
<h2 id="factor">Authenticator app</h2>
${withCode ? totpIsOn : totpIsUnknown}
</section>`,
  )

const turnOff = html`<form method="post" action="/account/totp/disable"><button class="quiet danger">Turn off</button></form>`
const totpIsOn = html`<p>On: you signed in with a code.</p>${turnOff}`
const totpIsUnknown = html`<p>A code from an app on your phone, beside your password, keeps out whoever has only the one.</p>
<form method="post" action="/account/totp"><button>Set up</button></form>
<details><summary>It is on already</summary>${turnOff}</details>`

export const showAccount =
  (deps: PageDeps): RequestHandler =>
  (request, response) => {
    const { session } = sessionOf(response).check
    const { notice } = request.query
    const known = typeof notice === 'string' && Object.hasOwn(NOTICES, notice) ? NOTICES[notice] : undefined
    const name = accountName(request, session.userId, deps.cookies)
    sendPage(response, accountPage({ name, withCode: session.amr.includes('otp'), notice: known }))
  }

/** The session goes on under a new token; every other one of this user is ended by functions. */
export const submitPassword =
  (deps: PageDeps): RequestHandler =>
  async (request, response) => {
    const visit = sessionOf(response)
    const { current_password, new_password } = formOf(response)
    const answer = await deps.functions.post('auth/password', IssuedSession, {
      client: forwardedClient(visit),
      token: visit.token,
      data: { current_password, new_password },
    })
    if (answer.kind === 'ok') {
      deps.cookies.set(response, 'session', answer.value.token)
      return response.redirect(303, '/account?notice=password-changed')
    }
    const { code, detail, retryAfterSeconds } = answer
    const known: Partial<Record<typeof code, Account['errors']>> = {
      'login-refused': { current: 'This is not your current password.' },
      'request-malformed': { current: 'Enter your current password and a new one.' },
      throttled: { current: waitText(retryAfterSeconds) },
      'password-weak': { next: detail ?? PASSWORD_HINT },
    }
    const errors = known[code]
    if (!errors) throw problemOf(answer)
    const { session } = visit.check
    const name = accountName(request, session.userId, deps.cookies)
    const page = accountPage({ name, withCode: session.amr.includes('otp'), errors })
    sendPage(response, page, { status: problems[code].status, retryAfterSeconds })
  }
