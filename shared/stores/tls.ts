import type { ConnectionOptions } from 'node:tls'
import type { FunctionsConfig, MigrateConfig, WebConfig } from '../config.ts'

export interface TlsSettings {
  /** Trusted in place of the authorities of the system, in PEM: one certificate of the chain of the server. */
  ca?: string | undefined
  /** Encrypts without verification where no `ca` is given. The process warns about it at every start. */
  insecure?: boolean | undefined
  /** The stores of the lab are on this machine or in containers beside it: plain unless their URL asks for TLS. */
  lab?: boolean | undefined
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])
/** Parameters of a URL that pg and ioredis would prefer over the decision here. */
const TLS_PARAMETER = /^(ssl|tls|uselibpqcompat)/i

/**
 * Decides how the connection to a store is secured. Outside the lab it is encrypted unless the store is on this
 * machine. A URL can ask for TLS and can never weaken it.
 *
 * With `ca`, exactly the servers of that authority are accepted, under any name: managed stores have certificates of
 * their own authority, with names that match nothing. The authority must therefore sign for that store alone.
 * @param url of a Postgres or a Redis
 * @returns undefined for a connection without TLS
 */
export function storeTls(url: string, { ca, insecure, lab }: TlsSettings): ConnectionOptions | undefined {
  if (ca !== undefined) return { ca, checkServerIdentity: () => undefined, allowPartialTrustChain: true }
  if (!asksForTls(url) && (lab || isLoopback(url))) return undefined
  // Further options would have no effect: without rejectUnauthorized Node never calls checkServerIdentity.
  return insecure ? { rejectUnauthorized: false } : { rejectUnauthorized: true }
}

export const postgresTls = (config: MigrateConfig): ConnectionOptions | undefined =>
  storeTls(config.DATABASE_URL.reveal(), { ca: config.DATABASE_CA, ...switches(config) })

/** All nodes of a cluster are treated alike: if one must be encrypted, all are. */
export const redisTls = (config: FunctionsConfig | WebConfig): ConnectionOptions | undefined =>
  redisNodes(config.REDIS_URL.reveal())
    .map((url) => storeTls(url, { ca: config.REDIS_CA, ...switches(config) }))
    .find((tls) => tls !== undefined)

/** The URLs of one server, or of several nodes of a cluster. */
export const redisNodes = (urls: string): string[] => urls.split(/,(?=\s*rediss?:)/).map((url) => url.trim())

const switches = ({ TLS_INSECURE, ATO_LAB }: MigrateConfig | WebConfig) => ({ insecure: TLS_INSECURE, lab: ATO_LAB })

/** Warns at the start of a process that does not verify its stores. */
export function warnOfInsecureTls({ TLS_INSECURE }: MigrateConfig | WebConfig, warn: (text: string) => void): void {
  if (!TLS_INSECURE) return
  warn('TLS_INSECURE=1: the certificates of the stores are not verified; set REDIS_CA and DATABASE_CA instead')
}

/** The URL without parameters about TLS; the rest stays byte for byte. */
export function withoutTlsParameters(url: string): string {
  const [base = '', query] = split(url)
  const kept = query.filter((pair) => !TLS_PARAMETER.test(pair))
  return kept.length > 0 ? `${base}?${kept.join('&')}` : base
}

function asksForTls(url: string): boolean {
  if (url.startsWith('rediss:')) return true
  const [, query] = split(url)
  return query.some((pair) => TLS_PARAMETER.test(pair) && !/=(disable|false|0)$/i.test(pair))
}

/** In pg a `host` parameter replaces the host of the URL, so such a URL counts as remote. */
function isLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { hostname, searchParams } = new URL(url)
  return LOOPBACK.has(hostname) && !searchParams.has('host')
}

function split(url: string): [base: string, query: string[]] {
  const at = url.indexOf('?')
  return at < 0
    ? [url, []]
    : [
        url.slice(0, at),
        url
          .slice(at + 1)
          .split('&')
          .filter(Boolean),
      ]
}
