import type { Request, RequestHandler, Response } from 'express'
import * as z from 'zod'
import type { WebConfig } from '../shared/config.ts'
import type { ProblemCode } from '../shared/problem.ts'
import type { BuiltAssets } from './built-assets.ts'
import type { Cookies } from './cookies.ts'
import { visitOf } from './visit.ts'

/** The visitor is asked again after half a year. */
const CONSENT_SECONDS = 180 * 86_400
/** How long an outcome waits for the next page. */
const OUTCOME_SECONDS = 60

export const Consent = z.enum(['granted', 'not-granted'])
export type Consent = z.infer<typeof Consent>

/** The settings for the script: data, never code. */
export interface RumSettings {
  applicationId: string
  clientToken: string
  site: string
  proxy?: string
  service: string
  env: string
  version: string
  /** The id of the user of this session. No address is sent. */
  user?: string
}

/** The configuration of browser RUM, the same for every page. */
export interface Rum {
  settings: Omit<RumSettings, 'user'>
  /** The path of the built script. */
  script: string
  /** The only origin that receives its reports. */
  intake: string
}

/** @returns undefined without a configuration for RUM */
export function configureRum(config: WebConfig, { version, files }: BuiltAssets): Rum | undefined {
  const { RUM_APP_ID, RUM_CLIENT_TOKEN, RUM_PROXY, DD_SITE, DD_SERVICE, DD_ENV, DD_VERSION } = config
  if (RUM_APP_ID === undefined || RUM_CLIENT_TOKEN === undefined) return undefined
  return {
    settings: {
      applicationId: RUM_APP_ID,
      clientToken: RUM_CLIENT_TOKEN,
      site: DD_SITE,
      ...(RUM_PROXY !== undefined && { proxy: RUM_PROXY }),
      service: DD_SERVICE,
      env: DD_ENV,
      version: DD_VERSION ?? version,
    },
    script: files.rum,
    intake: RUM_PROXY === undefined ? intakeOf(DD_SITE) : new URL(RUM_PROXY).origin,
  }
}

/** @see https://docs.datadoghq.com/integrations/content_security_policy_logs/?tab=contentsecuritypolicy#intake */
export function intakeOf(site: string): string {
  const parts = site.split('.')
  const top = parts.pop()
  return `https://browser-intake-${parts.join('-')}.${top}`
}

/** The outcome of the previous request, by name. It never contains a field of a form. */
export interface RumAction {
  name: 'login.result' | 'containment.notice'
  outcome: LoginOutcome | 'contained' | 'forked'
}
type LoginOutcome = 'success' | 'challenge' | ProblemCode
const Arrival = z.enum(['success', 'challenge'])

/** RUM in one page. */
export interface PageRum {
  /** Only with consent. */
  sdk: { script: string; settings: RumSettings } | undefined
  /** Undefined if the visitor has not been asked. */
  consent: Consent | undefined
  action: RumAction | undefined
}

interface Offered {
  rum: Rum
  consent: Consent | undefined
  action: RumAction | undefined
  cookies: Cookies
  request: Request
}
const offeredOf = (response: Response): Offered | undefined => response.locals.rum

/** Offers RUM to every page, if it is configured. */
export const offerRum =
  ({ rum, cookies }: { rum: Rum | undefined; cookies: Cookies }): RequestHandler =>
  (request, response, next) => {
    if (rum) {
      const consent = Consent.safeParse(cookies.read(request, 'consent')).data
      response.locals.rum = { rum, consent, action: undefined, cookies, request } satisfies Offered
    }
    next()
  }

/** RUM for the page to be sent. Without consent the page contains the question only. */
export function rumOf(response: Response): PageRum | undefined {
  const offered = offeredOf(response)
  if (!offered) return undefined
  const { rum, consent } = offered
  const { check } = visitOf(response)
  const user = check.kind === 'accepted' ? { user: check.session.userId } : {}
  const action = offered.action ?? arrivalOf(response, offered)
  return {
    sdk: consent === 'granted' ? { script: rum.script, settings: { ...rum.settings, ...user } } : undefined,
    consent,
    action: consent === 'granted' ? action : undefined,
  }
}

function arrivalOf(response: Response, { cookies, request }: Offered): RumAction | undefined {
  const value = cookies.read(request, 'outcome')
  if (value === undefined) return undefined
  cookies.clear(response, 'outcome')
  const outcome = Arrival.safeParse(value).data
  return outcome && { name: 'login.result', outcome }
}

/** Names the outcome that this page is about. */
export function tellRum(response: Response, action: RumAction): void {
  const offered = offeredOf(response)
  if (offered) offered.action = action
}

/** Stores the outcome of a sign-in for the next page. */
export function tellRumNext(response: Response, outcome: z.infer<typeof Arrival>): void {
  const offered = offeredOf(response)
  if (offered?.consent === 'granted') offered.cookies.set(response, 'outcome', outcome, OUTCOME_SECONDS)
}

/** Stores the answer of the visitor in the browser. */
export function rememberConsent(response: Response, consent: Consent): void {
  offeredOf(response)?.cookies.set(response, 'consent', consent, CONSENT_SECONDS)
}
