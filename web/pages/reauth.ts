import type { RequestHandler } from 'express'
import { problems } from '../../shared/problem.ts'
import { formOf } from '../form.ts'
import { IssuedSession, problemOf } from '../functions-client.ts'
import { formStatus } from '../problems.ts'
import { holderOf } from '../session.ts'
import { forwardedClient } from '../visit.ts'
import { type PageDeps, sendPage } from './deps.ts'
import { html } from './html.ts'
import { input, layout, type Page } from './layout.ts'
import { waitText } from './sign-in.ts'

/** Where the visitor was: one of our own pages, never an address from the form. */
const PLACES = { account: '/account?notice=confirmed', dashboard: '/dashboard' } as const
export type Place = keyof typeof PLACES
export const placeOf = (path: string): Place => (path.startsWith('/dashboard') ? 'dashboard' : 'account')

export const reauthPage = (
  place: Place,
  { detail, error }: { detail?: string | undefined; error?: string } = {},
): Page =>
  layout(
    { title: 'Enter your password again', inside: true },
    html`<h1>Enter your password again</h1>
<p class="lead">${detail ?? 'What you are about to do needs a fresh sign-in: fifteen minutes at most.'}</p>
<form method="post" action="/account/reauth" class="card stack">
${input({ name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password', error, focus: true })}
${input({ name: 'code', label: 'Code, if you use an authenticator app', type: 'text', autocomplete: 'one-time-code', optional: true })}
<input type="hidden" name="place" value="${place}">
<button>Continue</button>
</form>`,
  )

/** A proof of identity is answered with a new session; the one that asked for it ends. */
export const submitReauth =
  (deps: PageDeps): RequestHandler =>
  async (_request, response) => {
    const visit = holderOf(response)
    const { password, code, place: submitted } = formOf(response)
    const place: Place = submitted === 'dashboard' ? 'dashboard' : 'account'
    const answer = await deps.functions.post('auth/reauth', IssuedSession, {
      client: forwardedClient(visit),
      token: visit.token,
      data: { password, code: code?.replace(/\s/g, '') || undefined },
    })
    if (answer.kind === 'ok') {
      deps.cookies.set(response, 'session', answer.value.token)
      return response.redirect(303, PLACES[place])
    }
    const { code: problem, retryAfterSeconds } = answer
    const known: Partial<Record<typeof problem, string>> = {
      'login-refused': 'This is not your password.',
      'code-refused': `${problems['code-refused'].title}. Enter your password and the next code.`,
      'request-malformed': 'Enter your password.',
      throttled: waitText(retryAfterSeconds),
    }
    const error = known[problem]
    if (error === undefined) throw problemOf(answer)
    sendPage(response, reauthPage(place, { error }), { status: formStatus(problem), retryAfterSeconds })
  }
