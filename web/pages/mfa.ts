import type { RequestHandler } from 'express'
import { problems } from '../../shared/problem.ts'
import { introduce } from '../device-cookie.ts'
import { formOf } from '../form.ts'
import { SignedIn } from '../functions-client.ts'
import { waitText } from '../problems.ts'
import { tellRum } from '../rum.ts'
import { forwardedClient, visitOf } from '../visit.ts'
import { showRefusal } from './answers.ts'
import { type PageDeps, sendPage } from './deps.ts'
import { html } from './html.ts'
import { input, layout, type Page } from './layout.ts'
import { admit } from './sign-in.ts'

const mfaPage = (error?: string): Page =>
  layout(
    { title: 'Enter your code' },
    html`<h1>Enter your code</h1>
<p class="lead">Your password was right. The code makes sure that it is you.</p>
<form method="post" action="/mfa" class="card stack">
${input({ name: 'code', label: 'Code from your authenticator app', type: 'text', autocomplete: 'one-time-code', hint: 'Six digits. Each code works once.', error, focus: true })}
<input type="hidden" name="hints" value="">
<button>Continue</button>
</form>
<p class="aside"><a href="/login">Start again</a></p>
<details class="aside"><summary>Lost your phone?</summary>
<p>Add the account to another app with the key that you kept when you set it up. Without that key nothing can replace the code: this service has no recovery codes yet.</p></details>`,
  )

export const showMfa =
  (deps: Pick<PageDeps, 'cookies'>): RequestHandler =>
  (request, response) => {
    if (deps.cookies.read(request, 'mfa') === undefined) return response.redirect(303, '/login')
    sendPage(response, mfaPage())
  }

export const submitMfa =
  (deps: PageDeps): RequestHandler =>
  async (request, response) => {
    const { code, hints } = formOf(response)
    const pending = { mfa_token: deps.cookies.read(request, 'mfa'), code: code?.replace(/\s/g, '') }
    const data = { ...pending, ...introduce(request, deps) }
    const client = forwardedClient(visitOf(response), { hints })
    const answer = await deps.functions.post('auth/mfa/verify', SignedIn, { client, data })
    if (answer.kind === 'ok') return admit(request, response, answer.value, deps)
    tellRum(response, { name: 'login.result', outcome: answer.code })
    const words = {
      'code-refused': `${problems['code-refused'].title}. Wait for the next one, or start again.`,
      'request-malformed': 'Enter the six digits that your app shows, or start again.',
      throttled: waitText(answer.retryAfterSeconds),
    }
    await showRefusal(response, answer, words, mfaPage)
  }
