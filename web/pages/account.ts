import type { RequestHandler } from 'express'
import { deviceTokenOf } from '../device-cookie.ts'
import { formOf } from '../form.ts'
import { IssuedSession } from '../functions-client.ts'
import { waitText } from '../problems.ts'
import { sessionOf } from '../session.ts'
import { callOf } from '../visit.ts'
import { type ByCode, noticeOf, showRefusal } from './answers.ts'
import { type PageDeps, sendPage } from './deps.ts'
import { type HistoryPart, historyCard, readHistory } from './history.ts'
import { type Html, html } from './html.ts'
import { type Identity, identityOf } from './identity.ts'
import { input, layout, type Notice, type Page } from './layout.ts'
import { PASSWORD_HINT } from './register.ts'
import { passwordFault } from './typed-login.ts'

const NOTICES: Readonly<Record<string, Notice>> = {
  'password-changed': { tone: 'good', text: 'Your password is changed. Every other session is ended.' },
  'totp-on': {
    tone: 'good',
    text: 'Your authenticator app is on. You will be asked for a code at each sign-in. Check your sessions, and end those that you do not know.',
  },
  'totp-off': {
    tone: 'warning',
    text: 'Your authenticator app is off, and every other session is ended. Your password alone signs you in.',
  },
  confirmed: { tone: 'good', text: 'Thank you. You can continue.' },
  'confirmed-password': { tone: 'good', text: 'Thank you. Now fill in the form and change your password.' },
}

interface Errors {
  current?: string
  next?: string
}

interface Account extends Identity {
  history: HistoryPart
  notice?: Notice | undefined
  errors?: Errors
}

const accountPage = ({ name, mfaEnabled, history, notice, errors = {} }: Account): Page =>
  layout(
    { title: 'Account', inside: true, here: '/account', width: 'wide', notice },
    html`<h1>Account</h1>
<p class="lead">Signed in as <strong>${name}</strong></p>
<section class="card" aria-labelledby="password">
<div class="card-head"><h2 id="password">Password</h2></div>
<form method="post" action="/account/password" class="stack">
${mfaEnabled !== undefined && usernameOf(name)}
${input({ name: 'current_password', label: 'Current password', type: 'password', autocomplete: 'current-password', error: errors.current })}
${input({ name: 'new_password', label: 'New password', type: 'password', autocomplete: 'new-password', hint: `${PASSWORD_HINT} Changing it ends every other session.`, error: errors.next })}
<button>Change password</button>
</form>
</section>
<section class="card" aria-labelledby="factor">
<div class="card-head"><h2 id="factor">Authenticator app</h2>${factorBadge(mfaEnabled)}</div>
${factorPart(mfaEnabled)}
</section>
${historyCard(history)}`,
  )

/** Tells a password manager which account this is. It is not a form field and is not sent. */
const usernameOf = (email: string): Html =>
  html`<input type="email" autocomplete="username" value="${email}" readonly hidden>`

const factorBadge = (enabled: boolean | undefined): Html | undefined => {
  if (enabled === undefined) return undefined
  return enabled ? html`<span class="badge good">On</span>` : html`<span class="badge warning">Off</span>`
}
const factorPart = (enabled: boolean | undefined): Html => {
  if (enabled === undefined)
    return html`<p>The state of the app cannot be read right now. Reload the page in a moment.</p>`
  if (enabled) {
    return html`<p>Each sign-in asks for a code from your app. If you turn it off, your password alone opens the account.</p>
<details class="after"><summary>Turn off</summary>
<p>Every other session ends as well. A leaked password is then enough to open the account.</p>
<form method="post" action="/account/totp/disable" class="after"><button class="quiet danger">Turn off the app</button></form></details>`
  }
  return html`<p>With an app, each sign-in needs your password and a code from your phone. A stolen password alone does not open the account.</p>
<form method="post" action="/account/totp" class="after"><button>Set up</button></form>`
}

async function accountOf(visit: ReturnType<typeof sessionOf>, deps: PageDeps): Promise<Account> {
  const { userId } = visit.check.session
  const [identity, history] = await Promise.all([identityOf(visit, userId, deps), readHistory(visit, deps)])
  return { ...identity, history }
}

export const showAccount =
  (deps: PageDeps): RequestHandler =>
  async (request, response) => {
    const visit = sessionOf(response)
    sendPage(response, accountPage({ ...(await accountOf(visit, deps)), notice: noticeOf(request, NOTICES) }))
  }

function changeFault(current = '', next = ''): Errors {
  if (current === '') return { current: 'Enter your current password.' }
  const fault = passwordFault(current)
  return fault === undefined
    ? { next: passwordFault(next) ?? 'Enter your new password once more.' }
    : { current: fault }
}

/** The session continues under a new token; functions ends every other session of the user. */
export const submitPassword =
  (deps: PageDeps): RequestHandler =>
  async (request, response) => {
    const visit = sessionOf(response)
    const { current_password, new_password } = formOf(response)
    const answer = await deps.functions.post('auth/password', IssuedSession, {
      ...callOf(visit),
      data: { current_password, new_password, device_token: deviceTokenOf(request, deps) },
    })
    if (answer.kind === 'ok') {
      deps.cookies.set(response, 'session', answer.value.token)
      return response.redirect(303, '/account?notice=password-changed')
    }
    const words: ByCode<Errors> = {
      'login-refused': { current: 'This is not your current password.' },
      'request-malformed': changeFault(current_password, new_password),
      throttled: { current: waitText(answer.retryAfterSeconds) },
      'password-weak': { next: answer.detail ?? PASSWORD_HINT },
    }
    await showRefusal(response, answer, words, async (errors) =>
      accountPage({ ...(await accountOf(visit, deps)), errors }),
    )
  }
