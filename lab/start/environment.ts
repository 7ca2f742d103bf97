import { functionsVariables, webVariables } from '../../shared/config.ts'
import { LAB_CANARY, LAB_EGRESS_RANGE, LAB_VPN_RANGES } from '../../shared/lab.ts'
import type { StoreConnections } from '../stores/start.ts'
import type { LabSecrets } from './secrets.ts'

/** The service and environment that the lab's logs belong to: those that the detection files ask for. */
export const SERVICE = 'mini-ato-saas'
export const ENV = 'prod'

/** The stand-in's RUM application. Neither is a secret: both stand in every page. */
export const RUM = {
  id: '1ab00000-0000-4000-8000-000000000001',
  clientToken: 'publab00000000000000000000000000',
} as const

/** Sessions that are renewed while somebody watches: a fork shows within half a minute. */
const QUICK = { SESSION_RENEW_SECONDS: '15', SESSION_GRACE_SECONDS: '10' } as const

export interface Origins {
  readonly web: string
  readonly functions: string
}

/** Where the lab's mail is sent to, and where people read it. */
export interface Mail {
  readonly smtpUrl: string
  readonly mailboxUrl: string
}

export interface AppEnvironments {
  readonly web: Readonly<Record<string, string>>
  readonly functions: Readonly<Record<string, string>>
}

/** Everything an app may be given, of which each gets what its own configuration names. */
interface Source {
  readonly secrets: LabSecrets
  readonly stores: StoreConnections
  readonly origins: Origins
  readonly mail: Mail
  /** Where pages report to; absent: they do not. */
  readonly rumUrl?: string
  /** Where functions asks for open alerts; absent: it does not. */
  readonly apiUrl?: string
  /** Settings that are neither secrets nor places: lifetimes, costs, caps. */
  readonly settings?: Readonly<Record<string, string | undefined>>
}

/**
 * What each app gets, and no more: web never sees the keys that sign sessions, check passwords or let Datadog in.
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
    ...QUICK,
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
    LAB_MAILBOX_URL: mail.mailboxUrl,
    RUM_APP_ID: rumUrl && RUM.id,
    RUM_CLIENT_TOKEN: rumUrl && RUM.clientToken,
    RUM_PROXY: rumUrl,
    WEB_ORIGIN: origins.web,
    FUNCTIONS_ORIGIN: origins.functions,
  }
  return { functions: pick(all, functionsVariables), web: pick(all, webVariables) }
}

/** The settings that a caller's own environment may carry into the lab: what the apps read and the lab does not set. */
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
