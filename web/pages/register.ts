import type { RequestHandler, Response } from 'express'
import { PASSWORD_MIN } from '../../shared/auth/password-policy.ts'
import { EMAIL_PATTERN } from '../../shared/event.ts'
import { attemptOf } from '../form.ts'
import { Registered } from '../functions-client.ts'
import { waitText } from '../problems.ts'
import { forwardedClient, visitOf } from '../visit.ts'
import { type ByCode, showRefusal } from './answers.ts'
import { type PageDeps, sendPage } from './deps.ts'
import { type Html, html } from './html.ts'
import { input, layout, type Page } from './layout.ts'
import { loginFault } from './typed-login.ts'

export const PASSWORD_HINT = `At least ${PASSWORD_MIN} characters; several words in a row are fine, and you can paste it.`

interface Errors {
  email?: string
  password?: string
}

function registerPage(email?: string, errors: Errors = {}): Page {
  const mayFocus = Object.keys(errors).length === 0
  return layout(
    { title: 'Create account', here: '/register' },
    html`<h1>Create account</h1>
<p class="lead">All it needs is an address and a password. You can add a second factor later.</p>
<form method="post" action="/register" class="card stack">
${input({ name: 'email', label: 'Email', type: 'email', autocomplete: 'username', value: email, error: errors.email, focus: mayFocus && !email })}
${input({ name: 'password', label: 'Password', type: 'password', autocomplete: 'new-password', hint: errors.password ? undefined : PASSWORD_HINT, error: errors.password, focus: mayFocus && Boolean(email) })}
<button>Create account</button>
</form>
<p class="aside">Already have one? <a href="/login">Sign in</a></p>`,
  )
}

/** With the address of a registration that is corrected. */
export const showRegister =
  ({ cookies }: Pick<PageDeps, 'cookies'>): RequestHandler =>
  (request, response) => {
    if (visitOf(response).check.kind === 'accepted') return response.redirect(303, '/dashboard')
    sendPage(response, registerPage(rememberedAddress(cookies.read(request, 'address'))))
  }

const sentPage = (email: string | undefined, mailbox: Html | undefined): Page =>
  layout(
    { title: 'Check your mail' },
    html`<h1>Check your mail</h1>
<p class="lead">A mail is on its way to ${email === undefined ? 'your address' : html`<strong>${email}</strong>`}. Open the link in it, best in this browser. Another browser asks for your password.</p>
${mailbox}
<p class="aside">No mail? Look in the spam folder, or <a href="/register">try again</a> with the right address. We send one address at most three mails an hour.</p>`,
  )

/** The lab delivers no mail; its mailbox has the mail of every address. */
const labMailbox = (url: string, email: string | undefined): Html => {
  const href = email === undefined ? url : `${url}?${new URLSearchParams({ to: email })}`
  return html`<p class="actions"><a class="button" href="${href}">Open the lab’s mailbox</a></p>`
}

/** One page for every address: only the mail says whether it has an account. */
export const showSent =
  (deps: PageDeps): RequestHandler =>
  (request, response) => {
    const email = rememberedAddress(deps.cookies.read(request, 'address'))
    sendPage(response, sentPage(email, deps.mailboxUrl === undefined ? undefined : labMailbox(deps.mailboxUrl, email)))
  }

const ADDRESS_SECONDS = 600

/** Stores the typed address for the next pages, so that no address is in a URL or a log. */
export function rememberAddress(response: Response, email: string, { cookies }: Pick<PageDeps, 'cookies'>): void {
  const address = rememberedAddress(email)
  if (address !== undefined) cookies.set(response, 'address', address, ADDRESS_SECONDS)
}

/** The address in the cookie, if it is one: anybody can write a cookie. */
export function rememberedAddress(text: string | undefined): string | undefined {
  const normal = text?.trim().toLowerCase()
  return normal !== undefined && EMAIL_PATTERN.test(normal) ? normal : undefined
}

/** The lifetime of the link. */
const REGISTRATION_SECONDS = 24 * 3600

/** Answers a new and a taken address alike, so registration does not reveal who is registered. */
export const submitRegister =
  (deps: PageDeps): RequestHandler =>
  async (_request, response) => {
    const { fields, fault } = attemptOf(response)
    const { email, password, rum } = fields
    const client = forwardedClient(visitOf(response), { rum })
    const answer = await deps.functions.post('auth/register', Registered, { client, data: { email, password } })
    if (fault) throw fault
    if (answer.kind === 'ok') {
      rememberAddress(response, email ?? '', deps)
      const { registration } = answer.value
      if (registration !== undefined) deps.cookies.set(response, 'registration', registration, REGISTRATION_SECONDS)
      return response.redirect(303, '/register/sent')
    }
    const words: ByCode<Errors> = {
      'password-weak': { password: answer.detail ?? PASSWORD_HINT },
      'request-malformed': loginFault({ email, password }),
      throttled: { email: waitText(answer.retryAfterSeconds) },
    }
    await showRefusal(response, answer, words, (errors) => registerPage(email, errors))
  }
