import type { RequestHandler } from 'express'
import { ProblemError } from '../../shared/problem.ts'
import { formOf } from '../form.ts'
import { Consent, type PageRum, rememberConsent } from '../rum.ts'
import { type Fragment, type Html, html, json } from './html.ts'

/** The pages that the browser may return to. */
const PLACES = new Set(['/', '/login', '/register', '/register/sent', '/mfa', '/dashboard', '/account'])

/** The settings and the script. The policy forbids inline scripts; the inline part here is data. */
export const rumScript = ({ sdk, action }: PageRum): Fragment =>
  sdk &&
  html`<script type="application/json" id="rum"${
    action && html` data-action="${action.name}" data-outcome="${action.outcome}"`
  }>${json(sdk.settings)}</script>
<script type="module" src="${sdk.script}"></script>`

const WORDS = {
  asked:
    'Allow us to measure how fast pages load and which buttons you use? Reports name your account by its number. They never contain what you type.',
  granted:
    'You allow us to measure how fast pages load and which buttons you use. Reports never contain what you type.',
  'not-granted': 'We do not measure how you use these pages.',
} as const

/** Works without script. Consent is as easy to withdraw as to give. @see GDPR article 7 (3) */
export const consentControl = ({
  consent,
}: PageRum): Html => html`<form method="post" action="/consent" class="consent">
<p>${WORDS[consent ?? 'asked']}</p>
<div class="choices">${[
  consent !== 'granted' && choice('granted', consent ? 'Allow it' : 'Allow'),
  consent !== 'not-granted' && choice('not-granted', consent ? 'Stop it' : 'No, thank you'),
]}</div>
</form>`

const choice = (consent: Consent, text: string): Fragment =>
  html`<button class="quiet small" name="consent" value="${consent}">${text}</button>`

/** `POST /consent`: stores the answer and returns to the page of the form, if it is one of ours. */
export const submitConsent: RequestHandler = (request, response) => {
  const consent = Consent.safeParse(formOf(response).consent)
  if (!consent.success) throw new ProblemError('request-malformed')
  rememberConsent(response, consent.data)
  const from = request.get('referer') ?? ''
  const path = URL.canParse(from) ? new URL(from).pathname : '/'
  response.redirect(303, PLACES.has(path) ? path : '/')
}
