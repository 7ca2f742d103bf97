import { functionsVariables, webVariables } from '../../shared/config.ts'
import { LAB_CANARY, LAB_EGRESS_RANGE, LAB_VPN_RANGES } from '../../shared/lab.ts'
import type { StoreConnections } from '../stores/start.ts'
import type { LabSecrets } from './secrets.ts'

/** The service and environment of the lab's logs, which the detections query. */
export const SERVICE = 'mini-ato-saas'
export const ENV = 'prod'

/** The stand-in's RUM application. Both values are public, because every page contains them. */
export const RUM = {
  id: '1ab00000-0000-4000-8000-000000000001',
  clientToken: 'publab00000000000000000000000000',
} as const

/** Short times, so that a session fork is detected within half a minute. */
const QUICK_RENEWAL = { SESSION_RENEW_SECONDS: '15', SESSION_GRACE_SECONDS: '10' } as const

export interface Origins {
  readonly web: string
  readonly functions: string
}

/** The SMTP address of the lab's mail, and the page that shows it. */
export interface Mail {
  readonly smtpUrl: string
  readonly mailboxUrl: string
}

export interface AppEnvironments {
  readonly web: Readonly<Record<string, string>>
  readonly functions: Readonly<Record<string, string>>
}

/** All settings, of which each app gets those that its configuration names. */
interface Source {
  readonly secrets: LabSecrets
  readonly stores: StoreConnections
  readonly origins: Origins
  readonly mail: Mail
  /** Where pages report to; absent if they do not report. */
  readonly rumUrl?: string
  /** Where functions reads open alerts; absent if it does not. */
  readonly apiUrl?: string
  /** Further settings: lifetimes, costs, caps. */
  readonly settings?: Readonly<Record<string, string | undefined>>
}

/**
 * The environment of each app. Web does not get the keys that sign sessions, check passwords or authenticate Datadog.
 */
export function appEnvironments({
  secrets,
  stores,
  origins,
  mail,
  rumUrl,
  apiUrl,
  settings = {},
}: Source): AppEnvironments {
  const all: Record<string, string | undefined> = {
    ...QUICK_RENEWAL,
    ...settings,
    ...secrets,
    DATABASE_URL: stores.DATABASE_URL,
    REDIS_URL: stores.REDIS_URL,
    TABLES_CONNECTION: stores.TABLES_CONNECTION,
    ATO_LAB: '1',
    DD_SERVICE: SERVICE,
    DD_ENV: ENV,
    DD_API_URL: apiUrl,
    CANARY_ADDRESSES: LAB_CANARY,
    TRAVEL_VPN_RANGES: LAB_VPN_RANGES.join(','),
    EGRESS_ADDRESSES: [LAB_EGRESS_RANGE, ...(settings.EGRESS_ADDRESSES ? [settings.EGRESS_ADDRESSES] : [])].join(','),
    SMTP_URL: mail.smtpUrl,
    MAIL_FROM: 'mini-ato-saas@example.com',
    SECURITY_CONTACT: 'mailto:security@example.com',
    LAB_MAILBOX_URL: mail.mailboxUrl,
    RUM_APP_ID: rumUrl && RUM.id,
    RUM_CLIENT_TOKEN: rumUrl && RUM.clientToken,
    RUM_PROXY: rumUrl,
    WEB_ORIGIN: origins.web,
    FUNCTIONS_ORIGIN: origins.functions,
  }
  return { functions: pick(all, functionsVariables), web: pick(all, webVariables) }
}

/** The settings of the caller's environment that the apps read and the lab does not set. */
export function settingsFrom(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = [...functionsVariables, ...webVariables].filter((name) => !['PORT', 'HOST'].includes(name))
  return pick(env, names)
}

function pick(from: Readonly<Record<string, string | undefined>>, names: readonly string[]): Record<string, string> {
  const entries = names.flatMap((name) => {
    const value = from[name]
    return value === undefined || value === '' ? [] : [[name, value] as const]
  })
  return Object.fromEntries(entries)
}
