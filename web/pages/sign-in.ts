import type { Request, RequestHandler, Response } from 'express'
import type * as z from 'zod'
import { problems } from '../../shared/problem.ts'
import { logout } from '../../shared/session/end.ts'
import { introduce, keepDevice } from '../device-cookie.ts'
import { attemptOf } from '../form.ts'
import { LoginAnswer, type Refused, type SignedIn } from '../functions-client.ts'
import { waitText } from '../problems.ts'
import { tellRum, tellRumNext } from '../rum.ts'
import { forwardedClient, visitOf } from '../visit.ts'
import { type ByCode, noticeOf, showRefusal } from './answers.ts'
import { type PageDeps, sendPage } from './deps.ts'
import { html } from './html.ts'
import { input, layout, type Notice, type Page } from './layout.ts'
import { rememberedAddress } from './register.ts'
import { loginFault, type TypedLogin } from './typed-login.ts'

/** How long the browser keeps a sign-in that waits for its code. Functions decides whether it is still valid. */
const MFA_COOKIE_SECONDS = 600

/** The notices of this page, by their name in the URL. */
const NOTICES: Readonly<Record<string, Notice>> = {
  confirmed: { tone: 'good', text: 'Your address is confirmed, and your account is open. Sign in.' },
  'signed-out': { tone: 'good', text: 'You are signed out.' },
}

interface Errors {
  email?: string
  password?: string
}

export interface SignIn {
  email?: string | undefined
  errors?: Errors
  notice?: Notice | undefined
}

export function signInPage({ email, errors = {}, notice }: SignIn = {}): Page {
  // A screen reader starts at the focused field, so a warning above it would not be read.
  const mayFocus = notice?.tone !== 'warning' && Object.keys(errors).length === 0
  return layout(
    { title: 'Sign in', notice, here: '/login' },
    html`<h1>Sign in</h1>
${!notice && html`<p class="lead">Welcome back.</p>`}
<form method="post" action="/login" class="card stack">
${input({ name: 'email', label: 'Email', type: 'email', autocomplete: 'username', value: email, error: errors.email, focus: mayFocus && !email })}
${input({ name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password', error: errors.password, focus: mayFocus && Boolean(email) })}
<input type="hidden" name="hints" value="">
<button>Sign in</button>
</form>
<p class="aside">New here? <a href="/register">Create an account</a></p>
<details class="aside"><summary>Forgot your password?</summary>
<p>This service cannot reset a password yet. A browser in which you are still signed in keeps its session; otherwise create an account with another address.</p></details>`,
  )
}

export const showSignIn =
  ({ cookies }: PageDeps): RequestHandler =>
  (request, response) => {
    if (visitOf(response).check.kind === 'accepted') return response.redirect(303, '/dashboard')
    const email = rememberedAddress(cookies.read(request, 'address'))
    if (email !== undefined) cookies.clear(response, 'address')
    sendPage(response, signInPage({ email, notice: noticeOf(request, NOTICES) }))
  }

/** Passes every attempt on, also an unreadable one: functions counts it and emits its event. */
export const submitSignIn =
  (deps: PageDeps): RequestHandler =>
  async (request, response) => {
    const { fields, fault } = attemptOf(response)
    const { email, password, hints, rum } = fields
    const client = forwardedClient(visitOf(response), { hints, rum })
    const data = { email, password, ...introduce(request, deps) }
    const answer = await deps.functions.post('auth/login', LoginAnswer, { client, data })
    if (fault) throw fault
    if (answer.kind === 'refused') return refuse(response, answer, fields)
    if ('mfa_token' in answer.value) {
      deps.cookies.set(response, 'mfa', answer.value.mfa_token, MFA_COOKIE_SECONDS)
      tellRumNext(response, 'challenge')
      return response.redirect(303, '/mfa')
    }
    await admit(request, response, answer.value, deps)
  }

function refuse(response: Response, answer: Refused, { email, password }: TypedLogin): Promise<void> {
  tellRum(response, { name: 'login.result', outcome: answer.code })
  const words: ByCode<Errors> = {
    'login-refused': { password: problems['login-refused'].title },
    'request-malformed': loginFault({ email, password }),
    throttled: { password: waitText(answer.retryAfterSeconds) },
  }
  return showRefusal(response, answer, words, (errors) => signInPage({ email, errors }))
}

/**
 * Gives the browser its new session. An earlier session of the browser ends: an attacker may have planted it.
 * @see OWASP ASVS 7.2.4
 */
export async function admit(
  request: Request,
  response: Response,
  { token, device_token }: z.infer<typeof SignedIn>,
  deps: PageDeps,
): Promise<void> {
  const { check, client } = visitOf(response)
  if (check.kind === 'accepted') {
    await logout(check.session, check, deps).catch((error: unknown) =>
      deps.log.error(error, 'the session before a sign-in could not be ended', { request_id: client.requestId }),
    )
  }
  keepDevice(request, response, device_token, deps)
  deps.cookies.set(response, 'session', token)
  tellRumNext(response, 'success')
  deps.cookies.clear(response, 'mfa')
  response.redirect(303, '/dashboard')
}
