import type { RequestHandler } from 'express'
import { PASSWORD_MIN } from '../../shared/auth/password-policy.ts'
import { attemptOf } from '../form.ts'
import { Nothing, problemOf } from '../functions-client.ts'
import { formStatus } from '../problems.ts'
import { forwardedClient, visitOf } from '../visit.ts'
import { type PageDeps, sendPage } from './deps.ts'
import { html } from './html.ts'
import { input, layout, type Page } from './layout.ts'
import { waitText } from './sign-in.ts'

export const PASSWORD_HINT = `At least ${PASSWORD_MIN} characters; a few words in a row are fine. Pasting is welcome.`

const registerPage = (email?: string, errors: { email?: string; password?: string } = {}): Page =>
  layout(
    { title: 'Create account', here: '/register' },
    html`<h1>Create account</h1>
<p class="lead">An address and a password; a second factor when you like.</p>
<form method="post" action="/register" class="card stack">
${input({ name: 'email', label: 'Email', type: 'email', autocomplete: 'username', value: email, error: errors.email, focus: !email })}
${input({ name: 'password', label: 'Password', type: 'password', autocomplete: 'new-password', hint: errors.password ? undefined : PASSWORD_HINT, error: errors.password, focus: Boolean(email) })}
<button>Create account</button>
</form>
<p class="aside">Already have one? <a href="/login">Sign in</a></p>`,
  )

export const showRegister: RequestHandler = (_request, response) => {
  if (visitOf(response).check.kind === 'accepted') return response.redirect(303, '/dashboard')
  sendPage(response, registerPage())
}

/** A new address and a taken one are answered alike: registration tells nobody who is registered. */
export const submitRegister =
  (deps: PageDeps): RequestHandler =>
  async (_request, response) => {
    const { fields, fault } = attemptOf(response)
    const { email, password, rum } = fields
    const client = forwardedClient(visitOf(response), { rum })
    const answer = await deps.functions.post('auth/register', Nothing, { client, data: { email, password } })
    if (fault) throw fault
    if (answer.kind === 'ok') return response.redirect(303, '/login?notice=registered')
    const { code, detail, retryAfterSeconds } = answer
    const refusal = { status: formStatus(code), retryAfterSeconds }
    if (code === 'password-weak')
      return sendPage(response, registerPage(email, { password: detail ?? PASSWORD_HINT }), refusal)
    if (code === 'request-malformed') {
      return sendPage(response, registerPage(email, { email: 'Enter an email address and a password.' }), refusal)
    }
    if (code === 'throttled')
      return sendPage(response, registerPage(email, { email: waitText(retryAfterSeconds) }), refusal)
    throw problemOf(answer)
  }
