import type { RequestHandler } from 'express'
import * as z from 'zod'
import { attemptOf } from '../form.ts'
import { waitText } from '../problems.ts'
import { forwardedClient, visitOf } from '../visit.ts'
import { type ByCode, showRefusal } from './answers.ts'
import { type PageDeps, sendPage } from './deps.ts'
import { html } from './html.ts'
import { input, layout, type Page } from './layout.ts'
import { rememberAddress } from './register.ts'

const Confirmed = z.object({ email: z.string().max(254) })
const TOKEN = /^[\w-]{1,256}$/
const HINT = 'It is the part of the link behind “#token=”.'
const REFUSED =
  'No account was opened. Either the password is not the one that you chose, or it was wrong five times. Or the link was used, is older than a day, or was replaced by another one.'
const NOT_THIS_BROWSER =
  'Enter the password that you chose. If it is refused, the link was used already or is older than a day.'

interface Confirm {
  token?: string | undefined
  /** Whether the person must prove the registration by the password. */
  asksPassword: boolean
  errors?: { token?: string; password?: string }
}

/** No RUM here: the reports of the SDK contain the address of the page. */
const confirmPage = ({ token, asksPassword, errors = {} }: Confirm): Page =>
  layout(
    { title: 'Confirm your address', script: 'confirm', rum: false },
    html`<h1>Confirm your address</h1>
<p class="lead">${asksPassword ? 'Enter the password that you chose when you registered. It opens your account.' : 'Press the button to open your account.'}</p>
<form method="post" action="/confirm" class="card stack">
${input({ name: 'token', label: 'Code from the mail', type: 'text', autocomplete: 'off', value: token, hint: HINT, error: errors.token })}
${asksPassword && input({ name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password', error: errors.password, focus: token !== undefined && errors.token === undefined })}
<button>Open my account</button>
</form>
<p class="aside">If you did not register, close this page: no account opens.</p>
${errors.password !== undefined && html`<p class="aside">If your account is open already, <a href="/login">sign in</a>. If the link is too old, <a href="/register">register again</a>.</p>`}`,
  )

/**
 * Shows the form without confirming, because mail scanners follow every link. The code is in the fragment, which a
 * browser does not send. A `?token=`, from a program that changed the link, is accepted as well.
 */
export const showConfirm =
  ({ cookies }: Pick<PageDeps, 'cookies'>): RequestHandler =>
  (request, response) => {
    const { token } = request.query
    // The Referer with a code in the query must not reach another page; the Origin of the form is sent anyway.
    response.set('referrer-policy', 'strict-origin')
    const asksPassword = cookies.read(request, 'registration') === undefined
    const code = typeof token === 'string' && TOKEN.test(token) ? token : undefined
    sendPage(response, confirmPage({ token: code, asksPassword }))
  }

/** A typed password takes precedence over the stored secret, which may be of another registration. */
export const submitConfirm =
  (deps: PageDeps): RequestHandler =>
  async (request, response) => {
    const { fields, fault } = attemptOf(response)
    const client = forwardedClient(visitOf(response))
    const token = fields.token?.trim()
    const password = fields.password || undefined
    const registration = password === undefined ? deps.cookies.read(request, 'registration') : undefined
    const data = { token, registration, password }
    const answer = await deps.functions.post('auth/confirm', Confirmed, { client, data })
    if (fault) throw fault
    if (answer.kind === 'ok') {
      rememberAddress(response, answer.value.email, deps)
      if (registration !== undefined) deps.cookies.clear(response, 'registration')
      return response.redirect(303, '/login?notice=confirmed')
    }
    const asksPassword = registration === undefined
    const pages: ByCode<Confirm> = {
      'confirmation-refused': {
        token,
        asksPassword: true,
        errors: { password: password === undefined ? NOT_THIS_BROWSER : REFUSED },
      },
      'request-malformed': { asksPassword, errors: { token: 'Enter the code.' } },
      throttled: { token, asksPassword, errors: { token: waitText(answer.retryAfterSeconds) } },
    }
    await showRefusal(response, answer, pages, confirmPage)
  }
