import type { RequestHandler, Response } from 'express'
import { problems } from '../../shared/problem.ts'
import { type Form, formOf } from '../form.ts'
import { IssuedSession } from '../functions-client.ts'
import { waitText } from '../problems.ts'
import { holderOf } from '../session.ts'
import { callOf, type Visit } from '../visit.ts'
import { showRefusal } from './answers.ts'
import { endOtherSessions, endSession } from './dashboard.ts'
import type { PageDeps } from './deps.ts'
import { html } from './html.ts'
import { input, layout, type Page } from './layout.ts'
import { disableTotp, enrolTotp, retryConfirm } from './totp.ts'
import { passwordFault } from './typed-login.ts'

type Resume = (visit: Visit, response: Response, deps: PageDeps, form: Form['fields']) => Promise<void> | void

const redirectTo =
  (address: string): Resume =>
  (_visit, response) =>
    response.redirect(303, address)

/** What continues after the proof. The form names an entry of this list, never an address. */
const PLACES = {
  account: redirectTo('/account?notice=confirmed'),
  password: redirectTo('/account?notice=confirmed-password'),
  dashboard: redirectTo('/dashboard'),
  history: redirectTo('/account#history'),
  'session-end': endSession,
  'sessions-end': endOtherSessions,
  totp: enrolTotp,
  'totp-confirm': retryConfirm,
  'totp-disable': disableTotp,
} as const satisfies Record<string, Resume>
export type Place = keyof typeof PLACES

const PATHS: Readonly<Record<string, Place>> = {
  '/account/password': 'password',
  '/account/history': 'history',
  '/dashboard/end': 'session-end',
  '/dashboard/end-others': 'sessions-end',
  '/account/totp': 'totp',
  '/account/totp/confirm': 'totp-confirm',
  '/account/totp/disable': 'totp-disable',
}
export const placeOf = (path: string): Place => PATHS[path] ?? (path.startsWith('/dashboard') ? 'dashboard' : 'account')
const isPlace = (name: string | undefined): name is Place => name !== undefined && Object.hasOwn(PLACES, name)

/** The text fields of a request that its continuation needs. A password or a code is never among them. */
const KEPT = ['sid'] as const
export type Kept = Readonly<Partial<Record<(typeof KEPT)[number], string>>>

const LEADS: Readonly<Partial<Record<Place, string>>> = {
  password:
    'Enter your password before you change it. With an authenticator app, this needs a code from the last fifteen minutes.',
  history: 'The history of the account says when and where it was used. Enter your password to see it.',
  'session-end': 'Enter your password to end the session.',
  'sessions-end': 'Enter your password to end every other session.',
  totp: 'A stolen session must not be enough to set up an authenticator app. Enter your password to continue.',
  'totp-confirm':
    'The set-up took more than five minutes, or your network has changed. Enter your password, and then the code of the app.',
  'totp-disable':
    'A stolen session must not be enough to turn your authenticator app off. Enter your password and a code to turn it off.',
}

export const reauthPage = (
  place: Place,
  { detail, error, kept = {} }: { detail?: string | undefined; error?: string; kept?: Kept } = {},
): Page =>
  layout(
    { title: 'Enter your password again', inside: true },
    html`<h1>Enter your password again</h1>
<p class="lead">${LEADS[place] ?? detail ?? 'This needs a sign-in that is at most fifteen minutes old.'}</p>
<form method="post" action="/account/reauth" class="card stack">
${input({ name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password', error, focus: true })}
${input({ name: 'code', label: 'Code, if you use an authenticator app', type: 'text', autocomplete: 'one-time-code', optional: true })}
<input type="hidden" name="place" value="${place}">
${KEPT.map((name) => kept[name] !== undefined && html`<input type="hidden" name="${name}" value="${kept[name]}">`)}
<button>Continue</button>
</form>`,
  )

/** Replaces the session with a re-authenticated one and continues with the purpose of the proof. */
export const submitReauth =
  (deps: PageDeps): RequestHandler =>
  async (_request, response) => {
    const visit = holderOf(response)
    const form = formOf(response)
    const { password, code, place: submitted } = form
    const place: Place = isPlace(submitted) ? submitted : 'account'
    const answer = await deps.functions.post('auth/reauth', IssuedSession, {
      ...callOf(visit),
      data: { password, code: code?.replace(/\s/g, '') || undefined },
    })
    if (answer.kind === 'ok') {
      const { token } = answer.value
      deps.cookies.set(response, 'session', token)
      return PLACES[place]({ ...visit, token }, response, deps, form)
    }
    const words = {
      'login-refused': 'This is not your password.',
      'code-refused': `${problems['code-refused'].title}. Enter your password and the next code.`,
      'request-malformed':
        passwordFault(password ?? '') ?? 'Enter the six digits that your app shows, or leave the code empty.',
      throttled: waitText(answer.retryAfterSeconds),
    }
    await showRefusal(response, answer, words, (error) => reauthPage(place, { error, kept: form }))
  }
