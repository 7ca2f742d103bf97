/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { datadogRum, type RumEvent } from '@datadog/browser-rum'
import type { RumSettings } from '../rum.ts'

// Loaded only by pages that hold the settings. It reports how the pages do and, by name, what came of a sign-in; never
// what is typed. Nothing leaves the browser, and no cookie is set, before the visitor has said yes.

const element = document.getElementById('rum')
if (!element) throw new Error('The page has no settings for RUM.')
const settings: RumSettings = JSON.parse(element.textContent)
const { applicationId, clientToken, site, proxy, service, env, version, consent, user } = settings

datadogRum.init({
  applicationId,
  clientToken,
  ...(proxy === undefined ? { site } : { site, proxy }),
  service,
  env,
  version,
  trackingConsent: consent,
  defaultPrivacyLevel: 'mask',
  enablePrivacyForActionName: true,
  sessionSampleRate: 100,
  sessionReplaySampleRate: 0,
  profilingSampleRate: 0,
  telemetrySampleRate: 0,
  // A name for the browser that outlives the session is more than this service needs to know.
  trackAnonymousUser: false,
  useSecureSessionCookie: location.protocol === 'https:',
  beforeSend: (event) => {
    withoutQueries(event)
    return true
  },
})
if (user !== undefined) datadogRum.setUser({ id: user })

// The server says in the page what came of the request before it.
const { action, outcome } = element.dataset
if (action) datadogRum.addAction(action, { outcome })

// On submit and not before: the session is there only some time after the page is.
for (const form of document.querySelectorAll<HTMLFormElement>('form[action="/login"], form[action="/register"]')) {
  form.addEventListener('formdata', ({ formData }) => {
    const session = datadogRum.getInternalContext()?.session_id
    if (session) formData.set('rum', session)
  })
}

// The form goes its way and the answer is kept by the server; this page obeys it at once.
document.querySelector<HTMLFormElement>('form[action="/consent"]')?.addEventListener('submit', ({ submitter }) => {
  if (!(submitter instanceof HTMLButtonElement)) return
  datadogRum.setTrackingConsent(submitter.value === 'granted' ? 'granted' : 'not-granted')
})

/** An address of ours carries no secret; one that somebody else made up might. */
function withoutQueries(event: RumEvent): void {
  event.view.url = bare(event.view.url)
  if (event.view.referrer) event.view.referrer = bare(event.view.referrer)
  if (event.type === 'resource') event.resource.url = bare(event.resource.url)
  if (event.type === 'error' && event.error.resource) event.error.resource.url = bare(event.error.resource.url)
}
function bare(url: string): string {
  return url.replace(/[?#].*$/s, '')
}
