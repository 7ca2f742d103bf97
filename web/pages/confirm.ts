import type { RequestHandler } from 'express'
import * as z from 'zod'
import { attemptOf } from '../form.ts'
import { problemOf } from '../functions-client.ts'
import { formStatus } from '../problems.ts'
import { forwardedClient, visitOf } from '../visit.ts'
import { type PageDeps, sendPage } from './deps.ts'
import { html } from './html.ts'
import { input, layout, type Page } from './layout.ts'
import { rememberAddress } from './register.ts'
import { waitText } from './sign-in.ts'

const Confirmed = z.object({ email: z.string().max(254) })
const TOKEN = /^[\w-]{1,256}$/
const HINT = 'It is the part of the link behind “#token=”.'

/** Without RUM: what the SDK reports of a page has its address. */
const confirmPage = (token?: string, error?: string): Page =>
  layout(
    { title: 'Confirm your address', rum: false },
    html`<h1>Confirm your address</h1>
<p class="lead">One press, and your account is open.</p>
<form method="post" action="/confirm" class="card stack">
${input({ name: 'token', label: 'Code from the mail', type: 'text', autocomplete: 'off', value: token, hint: HINT, error })}
<button>Open my account</button>
</form>
<p class="aside">You did not ask for an account? Then leave this page: there will be none.</p>
<script type="module" src="/assets/confirm.js"></script>`,
  )

const refusedPage = (): Page =>
  layout(
    { title: 'This link does not work', rum: false },
    html`<h1>This link does not work</h1>
<p class="lead">It was used already, or it is older than a day, or another link to the same address was used. If you
know of none of these, try it again in a quarter of an hour.</p>
<p class="actions"><a class="button" href="/login">Sign in</a><a class="button quiet" href="/register">Create account</a></p>`,
  )

/**
 * Confirms nothing: programs that look into mail follow every link. The code comes behind a `#`, of which this host sees
 * nothing; one that comes as `?token=`, from a program that changed the link, is taken as well.
 */
export const showConfirm: RequestHandler = (request, response) => {
  const { token } = request.query
  // Of a code in the query, no other page learns; an Origin goes with the form all the same.
  response.set('referrer-policy', 'strict-origin')
  sendPage(response, confirmPage(typeof token === 'string' && TOKEN.test(token) ? token : undefined))
}

export const submitConfirm =
  (deps: PageDeps): RequestHandler =>
  async (_request, response) => {
    const { fields, fault } = attemptOf(response)
    const client = forwardedClient(visitOf(response))
    const token = fields.token?.trim()
    const answer = await deps.functions.post('auth/confirm', Confirmed, { client, data: { token } })
    if (fault) throw fault
    if (answer.kind === 'ok') {
      rememberAddress(response, answer.value.email, deps)
      return response.redirect(303, '/login?notice=confirmed')
    }
    const { code, retryAfterSeconds } = answer
    const refusal = { status: formStatus(code), retryAfterSeconds }
    if (code === 'confirmation-refused') return sendPage(response, refusedPage(), refusal)
    if (code === 'request-malformed') return sendPage(response, confirmPage(undefined, 'Enter the code.'), refusal)
    if (code === 'throttled') return sendPage(response, confirmPage(token, waitText(retryAfterSeconds)), refusal)
    throw problemOf(answer)
  }
