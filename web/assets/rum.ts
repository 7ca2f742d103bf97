/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { datadogRum, type RumEvent } from '@datadog/browser-rum'
import type { RumSettings } from '../rum.ts'

// Loaded only with the visitor's consent. It reports how pages perform and the outcome of a sign-in by name, never
// what is typed.

const element = document.getElementById('rum')
if (!element) throw new Error('The page has no settings for RUM.')
const settings: RumSettings = JSON.parse(element.textContent)
const { applicationId, clientToken, site, proxy, service, env, version, user } = settings

datadogRum.init({
  applicationId,
  clientToken,
  ...(proxy === undefined ? { site } : { site, proxy }),
  service,
  env,
  version,
  trackingConsent: 'granted',
  defaultPrivacyLevel: 'mask',
  enablePrivacyForActionName: true,
  sessionSampleRate: 100,
  sessionReplaySampleRate: 0,
  profilingSampleRate: 0,
  telemetrySampleRate: 0,
  // This service does not need an id of the browser that outlives the session.
  trackAnonymousUser: false,
  useSecureSessionCookie: location.protocol === 'https:',
  beforeSend: (event) => {
    withoutQueries(event)
    return true
  },
})
if (user !== undefined) datadogRum.setUser({ id: user })

// The page contains the outcome of the request before it.
const { action, outcome } = element.dataset
if (action) datadogRum.addAction(action, { outcome })

// On submit, because the session exists only some time after the page has loaded.
for (const form of document.querySelectorAll<HTMLFormElement>('form[action="/login"], form[action="/register"]')) {
  form.addEventListener('formdata', ({ formData }) => {
    const session = datadogRum.getInternalContext()?.session_id
    if (session) formData.set('rum', session)
  })
}

// The server stores the answer, and its next page has no SDK; this page ends the session of the SDK at once.
document.querySelector<HTMLFormElement>('form[action="/consent"]')?.addEventListener('submit', () => {
  datadogRum.setTrackingConsent('not-granted')
})

/** An address of this service has no secret, but a made-up one may. */
function withoutQueries(event: RumEvent): void {
  event.view.url = bare(event.view.url)
  if (event.view.referrer) event.view.referrer = bare(event.view.referrer)
  if (event.type === 'resource') event.resource.url = bare(event.resource.url)
  if (event.type === 'error' && event.error.resource) event.error.resource.url = bare(event.error.resource.url)
}
function bare(url: string): string {
  return url.replace(/[?#].*$/s, '')
}
