import type { RequestHandler, Response } from 'express'
import { formOf } from '../form.ts'
import { Nothing, TotpOffer } from '../functions-client.ts'
import { waitText } from '../problems.ts'
import { sessionOf } from '../session.ts'
import { callOf, type Visit } from '../visit.ts'
import { showRefusal } from './answers.ts'
import { type PageDeps, sendPage } from './deps.ts'
import { type Html, html } from './html.ts'
import { input, layout, type Page } from './layout.ts'
import { qrCode } from './qr-code.ts'

interface Offer {
  secret: string
  uri: string
}

const TITLE = 'Set up an authenticator app'

async function offerPage({ secret, uri }: Offer): Promise<Page> {
  const picture = await qrCode(uri, 'QR code for your authenticator app; the key below says the same')
  return layout(
    { title: TITLE, inside: true, here: '/account', width: 'wide', rum: false },
    html`<h1>${TITLE}</h1>
<p class="lead">It shows a new code every thirty seconds, also without a network.</p>
<div class="card">
<ol class="steps">
<li class="step"><div>
<h2>Add this account to your app</h2>
<p>Scan the picture with the app, <a href="${uri}">open the app on this device</a>, or type the key.</p>
${picture}
<p class="secret"><span class="hint">Key</span> <code>${secret.replace(/(.{4})(?=.)/g, '$1 ')}</code></p>
<p class="hint">Keep the key in a safe place. If you lose your phone, it is the only way in: this service has no recovery codes yet.</p>
<details><summary>Address for other tools</summary><p class="secret"><code>${uri}</code></p></details>
</div></li>
<li class="step"><div>
<h2>Enter the code that it shows</h2>
${confirmForm()}
</div></li>
</ol>
</div>
<p class="aside"><a href="/account">Cancel</a></p>`,
  )
}

/** After a wrong code: the secret is not shown a second time. */
const retryPage = (error: string): Page =>
  layout(
    { title: TITLE, inside: true, here: '/account' },
    html`<h1>${TITLE}</h1>
<p class="lead">Use the entry that you have just added to your app, or cancel and set up a new one.</p>
<div class="card">${confirmForm(error)}</div>
<p class="aside"><a href="/account">Cancel</a></p>`,
  )

const confirmForm = (error?: string): Html => html`<form method="post" action="/account/totp/confirm" class="stack">
${input({ name: 'code', label: 'Code', type: 'text', autocomplete: 'one-time-code', hint: 'Six digits. Each code works once.', error, focus: error !== undefined })}
<button>Turn on</button>
</form>`

const alreadyOn = layout(
  { title: 'Authenticator app', inside: true, here: '/account' },
  html`<h1>Authenticator app</h1>
<p class="lead">This was done already, or no app is being set up. Start again on the account page.</p>
<p class="actions"><a class="button" href="/account">Back to the account</a></p>`,
)

/** The secret is in this answer only: not in an address, a log or a cache. */
export async function enrolTotp(visit: Visit, response: Response, deps: PageDeps): Promise<void> {
  const answer = await deps.functions.post('auth/mfa/enrol', TotpOffer, callOf(visit))
  if (answer.kind === 'ok') {
    const { secret, otpauth_uri: uri } = answer.value
    return sendPage(response, await offerPage({ secret, uri }))
  }
  await showRefusal(response, answer, { 'mfa-state': alreadyOn }, (page) => page)
}
export const submitEnrol =
  (deps: PageDeps): RequestHandler =>
  (_request, response) =>
    enrolTotp(sessionOf(response), response, deps)

/** After a re-authentication in between: the secret shown before is still valid. */
export const retryConfirm = (_visit: Visit, response: Response): void =>
  sendPage(response, retryPage('Enter the code that your app shows now.'))

export const submitConfirm =
  (deps: PageDeps): RequestHandler =>
  async (_request, response) => {
    const visit = sessionOf(response)
    const data = { code: formOf(response).code?.replace(/\s/g, '') }
    const answer = await deps.functions.post('auth/mfa/confirm', Nothing, { ...callOf(visit), data })
    if (answer.kind === 'ok') return response.redirect(303, '/account?notice=totp-on')
    const pages = {
      'mfa-state': alreadyOn,
      'code-refused': retryPage('This code is not right. Wait for the next one; check the clock of your phone.'),
      'request-malformed': retryPage('Enter the six digits that your app shows.'),
      throttled: retryPage(waitText(answer.retryAfterSeconds)),
    }
    await showRefusal(response, answer, pages, (page) => page)
  }

export async function disableTotp(visit: Visit, response: Response, deps: PageDeps): Promise<void> {
  const answer = await deps.functions.post('auth/mfa/disable', Nothing, callOf(visit))
  if (answer.kind === 'ok') return response.redirect(303, '/account?notice=totp-off')
  await showRefusal(response, answer, { 'mfa-state': alreadyOn }, (page) => page)
}
export const submitDisable =
  (deps: PageDeps): RequestHandler =>
  (_request, response) =>
    disableTotp(sessionOf(response), response, deps)
