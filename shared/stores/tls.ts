import type { ConnectionOptions } from 'node:tls'
import type { FunctionsConfig, MigrateConfig, WebConfig } from '../config.ts'

export interface TlsSettings {
  /** Trusted instead of the system's authorities, in PEM: one certificate of the chain that the server shows. */
  ca?: string | undefined
  /** Encrypts, and lets anybody be the server, where no `ca` is given. Whoever sets it says so at every start. */
  insecure?: boolean | undefined
  /** The lab's stores are on this machine, or in containers beside it: plain unless their URL asks for TLS. */
  lab?: boolean | undefined
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])
/** What pg and ioredis read from a URL, and would put in the place of what is decided here. */
const TLS_PARAMETER = /^(ssl|tls|uselibpqcompat)/i

/**
 * How the connection to a store is secured. Outside the lab it always is, unless the store is on this machine; what a
 * URL says can ask for TLS and never weaken it.
 *
 * With `ca`, exactly servers of that authority are accepted, by whatever name: managed stores show certificates of an
 * authority of their own, with names that match nothing. It must therefore be one that signs for that store alone.
 * @param url of a Postgres or a Redis
 * @returns undefined for a connection without TLS
 */
export function storeTls(url: string, { ca, insecure, lab }: TlsSettings): ConnectionOptions | undefined {
  if (ca !== undefined) return { ca, checkServerIdentity: () => undefined, allowPartialTrustChain: true }
  if (!asksForTls(url) && (lab || isLoopback(url))) return undefined
  // Any further option would be for show: without rejectUnauthorized Node never calls checkServerIdentity.
  return insecure ? { rejectUnauthorized: false } : { rejectUnauthorized: true }
}

export const postgresTls = (config: MigrateConfig): ConnectionOptions | undefined =>
  storeTls(config.DATABASE_URL.reveal(), { ca: config.DATABASE_CA, ...switches(config) })

/** One way for all nodes of a cluster: as soon as one of them must be encrypted, all are. */
export const redisTls = (config: FunctionsConfig | WebConfig): ConnectionOptions | undefined =>
  redisNodes(config.REDIS_URL.reveal())
    .map((url) => storeTls(url, { ca: config.REDIS_CA, ...switches(config) }))
    .find((tls) => tls !== undefined)

/** The URLs of one server, or of several nodes of a cluster. */
export const redisNodes = (urls: string): string[] => urls.split(/,(?=\s*rediss?:)/).map((url) => url.trim())

const switches = ({ TLS_INSECURE, ATO_LAB }: MigrateConfig | WebConfig) => ({ insecure: TLS_INSECURE, lab: ATO_LAB })

/** Nobody runs without verification and does not know it. */
export function warnOfInsecureTls({ TLS_INSECURE }: MigrateConfig | WebConfig, warn: (text: string) => void): void {
  if (!TLS_INSECURE) return
  warn('TLS_INSECURE=1: whoever answers at the address of a store is believed; pin REDIS_CA and DATABASE_CA instead')
}

/** Without the parameters by which a URL would decide about TLS itself; the rest stays byte for byte. */
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

/** A `host` parameter stands in for the URL's own host in pg, so such a URL is taken for a remote one. */
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
