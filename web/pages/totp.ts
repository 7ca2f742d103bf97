import type { RequestHandler } from 'express'
import { problems } from '../../shared/problem.ts'
import { formOf } from '../form.ts'
import { Nothing, problemOf, TotpOffer } from '../functions-client.ts'
import { formStatus } from '../problems.ts'
import { sessionOf } from '../session.ts'
import { forwardedClient } from '../visit.ts'
import { type PageDeps, sendPage } from './deps.ts'
import { html } from './html.ts'
import { input, layout, type Page } from './layout.ts'
import { waitText } from './sign-in.ts'

/** @param offer absent after a wrong code: the secret is shown once */
const confirmPage = (offer: { secret: string; uri: string } | undefined, error?: string): Page =>
  layout(
    { title: 'Set up an authenticator app', inside: true },
    html`<h1>Set up an authenticator app</h1>
${
  offer
    ? html`<p>Add this account to your app: <a href="${offer.uri}">open it on this device</a>, or enter the key by hand.</p>
<p class="hint">Key</p>
<p class="secret"><code>${offer.secret.replace(/(.{4})(?=.)/g, '$1 ')}</code></p>
<details><summary>Address for other tools</summary><p class="secret"><code>${offer.uri}</code></p></details>`
    : html`<p>Use the entry that you have just added to your app, or set up a new one.</p>`
}
<form method="post" action="/account/totp/confirm" class="stack">
${input({ name: 'code', label: 'Code that the app shows now', type: 'text', autocomplete: 'one-time-code', error, focus: true })}
<button>Turn on</button>
</form>
<p class="aside"><a href="/account">Cancel</a></p>`,
  )

const alreadyOn = layout(
  { title: 'Authenticator app', inside: true },
  html`<h1>Authenticator app</h1>
<p>This is done already, or there is nothing set up to do it with. The account page starts anew.</p>
<p class="actions"><a class="button" href="/account">Back to the account</a></p>`,
)

/** The secret is part of this one answer: it is in no address, in no log and in no cache. */
export const submitEnrol =
  (deps: PageDeps): RequestHandler =>
  async (_request, response) => {
    const visit = sessionOf(response)
    const call = { client: forwardedClient(visit), token: visit.token }
    const answer = await deps.functions.post('auth/mfa/enrol', TotpOffer, call)
    if (answer.kind === 'ok') {
      const { secret, otpauth_uri: uri } = answer.value
      return sendPage(response, confirmPage({ secret, uri }))
    }
    if (answer.code !== 'mfa-state') throw problemOf(answer)
    sendPage(response, alreadyOn, problems['mfa-state'])
  }

export const submitConfirm =
  (deps: PageDeps): RequestHandler =>
  async (_request, response) => {
    const visit = sessionOf(response)
    const data = { code: formOf(response).code?.replace(/\s/g, '') }
    const call = { client: forwardedClient(visit), token: visit.token, data }
    const answer = await deps.functions.post('auth/mfa/confirm', Nothing, call)
    if (answer.kind === 'ok') return response.redirect(303, '/account?notice=totp-on')
    const { code, retryAfterSeconds } = answer
    if (code === 'mfa-state') return sendPage(response, alreadyOn, problems['mfa-state'])
    const known: Partial<Record<typeof code, string>> = {
      'code-refused': 'This code is not right. Wait for the next one; check the clock of your phone.',
      'request-malformed': 'Enter the six digits that your app shows.',
      throttled: waitText(retryAfterSeconds),
    }
    const error = known[code]
    if (error === undefined) throw problemOf(answer)
    sendPage(response, confirmPage(undefined, error), { status: formStatus(code), retryAfterSeconds })
  }

export const submitDisable =
  (deps: PageDeps): RequestHandler =>
  async (_request, response) => {
    const visit = sessionOf(response)
    const call = { client: forwardedClient(visit), token: visit.token }
    const answer = await deps.functions.post('auth/mfa/disable', Nothing, call)
    if (answer.kind === 'ok') return response.redirect(303, '/account?notice=totp-off')
    if (answer.code !== 'mfa-state') throw problemOf(answer)
    sendPage(response, alreadyOn, problems['mfa-state'])
  }
