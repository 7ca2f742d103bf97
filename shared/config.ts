import { X509Certificate } from 'node:crypto'
import * as z from 'zod'
import { EMAIL_PATTERN } from './event.ts'
import { Secret } from './secret.ts'

/** A configuration that cannot be used; the message names every fault by variable, never a value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

const MIN_SECRET_BYTES = 32
const LAB_PREFIX = 'lab-'

const text = z.string().min(1)
const secret = text
  .refine((value) => Buffer.byteLength(value) >= MIN_SECRET_BYTES, `must be at least ${MIN_SECRET_BYTES} bytes`)
  .transform((value) => new Secret(value))
/** A comma-separated list while a secret is rotated, newest first. */
const secrets = text
  .transform((value) => value.split(',').map((item) => item.trim()))
  .pipe(z.tuple([secret], secret))
  .meta({ form: `secret of at least ${MIN_SECRET_BYTES} bytes, or a list of them` })
const connection = (schemes: readonly string[]) =>
  text
    .refine((value) => schemes.some((scheme) => value.startsWith(scheme)), `must begin with ${schemes.join(' or ')}`)
    .transform((value) => new Secret(value))
    .meta({ form: schemes.map((scheme) => `\`${scheme}…\``).join(' or ') })
const origin = text
  .refine(
    (value) => URL.canParse(value) && new URL(value).origin === value && /^https?:$/.test(new URL(value).protocol),
    'must be an origin such as https://app.example.com, without a path',
  )
  .meta({ form: 'origin, without a path' })

/** A query is refused: mail libraries read options from it, and one of them turns verification off. */
const smtpUrl = text
  .refine((value) => {
    if (!URL.canParse(value)) return false
    const { protocol, hostname, pathname, search, hash } = new URL(value)
    return /^smtps?:$/.test(protocol) && hostname !== '' && /^\/?$/.test(pathname) && search + hash === ''
  }, 'must be a URL such as smtps://user:password@mail.example.com, without a query')
  .transform((value) => new Secret(value))
  .meta({ form: '`smtp://…` or `smtps://…`' })

const httpsUrl = text
  .refine(
    (value) => URL.canParse(value) && new URL(value).protocol === 'https:' && new URL(value).search === '',
    'must be an https URL without a query',
  )
  .meta({ form: 'https URL' })
/** The SDK appends its own query, drops a fragment, and would put credentials into every page. */
const proxyUrl = text.refine((value) => {
  if (!URL.canParse(value)) return false
  const { protocol, username, password, search, hash } = new URL(value)
  return /^https?:$/.test(protocol) && username + password + search + hash === ''
}, 'must be a URL such as https://app.example.com/rum, without a query')
const certificate = text
  .refine((value) => {
    try {
      return new X509Certificate(value).raw.length > 0
    } catch {
      return false
    }
  }, 'must be a certificate in PEM')
  .meta({ form: 'certificate in PEM' })

/** A private Ed25519 key as a JWK. The first of the set signs; every one of them is published. @see RFC 8037 */
const SigningKey = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.base64url(),
  d: z.base64url().transform((value) => new Secret(value)),
  kid: text,
  alg: z.literal('EdDSA').optional(),
  use: z.literal('sig').optional(),
})
export type SigningKey = z.infer<typeof SigningKey>
const signingKeys = text
  .transform((value, context) => {
    try {
      const parsed: unknown = JSON.parse(value)
      return parsed
    } catch {
      context.addIssue('must be a JSON Web Key Set')
      return z.NEVER
    }
  })
  .pipe(z.strictObject({ keys: z.tuple([SigningKey], SigningKey) }))
  .transform((set) => set.keys)
  .refine((keys) => new Set(keys.map((key) => key.kid)).size === keys.length, 'every kid must be different')
  .meta({ form: 'secret: a JSON Web Key Set' })

const flag = z
  .enum(['0', '1'])
  .default('0')
  .transform((value) => value === '1')
const seconds = (fallback: number, min: number) => z.coerce.number().int().min(min).default(fallback)

/** A comma-separated list of CIDR blocks; none by default. */
const networks = z
  .string()
  .default('')
  .transform((value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean),
  )
  .pipe(z.array(z.union([z.cidrv4(), z.cidrv6()], 'must be CIDR blocks such as 198.51.100.7/32')))
  .meta({ form: 'CIDR blocks, comma-separated' })

/** Comma-separated logins; none by default. */
const logins = z
  .string()
  .default('')
  .transform((value) =>
    value
      .split(',')
      .map((item) => item.trim().toLowerCase())
      .filter(Boolean),
  )
  .pipe(z.array(z.string().regex(EMAIL_PATTERN, 'must be email addresses')))
  .meta({ form: 'email addresses, comma-separated' })

const hidden = text.transform((value) => new Secret(value)).meta({ form: 'secret' })
const authority = certificate.optional()
const lab = flag.describe('1: this is the lab: loopback origins, `lab-` secrets and plain stores are right.')
const insecure = flag.describe(
  '1: stores without a pinned authority are encrypted and not verified; warns at every start.',
)

/** What both hosts read. Each entry is one environment variable; its description is what docs/configuration.md says. */
const common = {
  ATO_LAB: lab,
  DD_SERVICE: text.default('mini-ato-saas').describe('Service name in every log line; the drain’s must be equal.'),
  DD_ENV: text.default('prod').describe('Environment in every log line; the detections ask for `prod`.'),
  REDIS_URL: connection(['redis://', 'rediss://']).describe('Live sessions, throttle counters, blocks, leases.'),
  REDIS_CA: authority.describe(
    'Authority of Redis’ certificate when it is one of its own; names are then not compared.',
  ),
  REDIS_CLUSTER: flag.describe('1: `REDIS_URL` is a node of a cluster; so it is if it names several, comma-separated.'),
  TLS_INSECURE: insecure,
  TABLES_URL: httpsUrl.optional().describe('Table endpoint of a storage account, reached as an Entra ID identity.'),
  TABLES_CONNECTION: hidden.optional().describe('Instead of `TABLES_URL`: a connection string with a key or a SAS.'),
  AZURE_CLIENT_ID: text.optional().describe('Identity for `TABLES_URL`: a managed one, or the application named next.'),
  AZURE_TENANT_ID: text.optional().describe('Tenant of that application, on a host without managed identity.'),
  AZURE_CLIENT_SECRET: hidden.optional().describe('Secret of that application; it expires.'),
  ATO_HMAC_SECRET: secrets.describe('Signs the calls between the hosts, which must have the same.'),
  DEVICE_HASH_KEY: secrets.describe(
    'Key of device, hints and login hashes, and of device tokens; both hosts must have the same.',
  ),
  WEB_ORIGIN: origin.describe('Where browsers and functions reach web.'),
  FUNCTIONS_ORIGIN: origin.describe('Where web and API clients reach functions.'),
  SESSION_IDLE_SECONDS: seconds(3600, 60).describe('A session ends when unused for this long.'),
  SESSION_RENEW_SECONDS: seconds(300, 5).describe('Use after which a token is replaced by its successor.'),
  SESSION_GRACE_SECONDS: seconds(30, 5).describe(
    'How long a replaced token is still honoured; at most as long as it takes to renew. Later it is a fork.',
  ),
  SESSION_ABSOLUTE_SECONDS: seconds(86_400, 300).describe('A session ends this long after sign-in.'),
  SESSION_DEVICE_BINDING: z
    .enum(['observe', 'challenge', 'refuse'])
    .default('observe')
    .describe('What a session from another device meets. The event is the same in all three.'),
}

/** What a release reads to bring the database up to date. */
const MigrateSchema = z.object({
  ATO_LAB: lab,
  TLS_INSECURE: insecure,
  DATABASE_URL: connection(['postgres://', 'postgresql://']).describe('Users, credentials, audit rows.'),
  DATABASE_CA: authority.describe('Authority of Postgres’ certificate when it is one of its own, as `REDIS_CA`.'),
})

/** The Datadog site of an organisation. A list, because the name goes into a security policy. */
export const DATADOG_SITES = [
  'datadoghq.com',
  'us3.datadoghq.com',
  'us5.datadoghq.com',
  'datadoghq.eu',
  'ap1.datadoghq.com',
  'ap2.datadoghq.com',
  'ddog-gov.com',
  'us2.ddog-gov.com',
] as const

const intakeUrl = text
  .refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), 'must be a URL')
  .meta({ form: 'https URL' })

const FunctionsSchema = z.object({
  ...common,
  ...MigrateSchema.shape,
  ATO_WEBHOOK_SECRET: secrets.describe('What Datadog’s webhook shows in `X-ATO-Webhook-Secret`.'),
  SESSION_SIGNING_KEYS: signingKeys.describe('Private Ed25519 keys as a JWK Set: the first signs, all are published.'),
  TOTP_KEY: secrets.describe('Encrypts TOTP secrets at rest.'),
  PASSWORD_PEPPER: secrets.describe('Keyed into every password hash.'),
  BCRYPT_COST: z.coerce
    .number()
    .int()
    .min(10)
    .max(15)
    .default(10)
    .describe('bcrypt’s cost; one more is twice the work.'),
  HASH_QUEUE: z.coerce
    .number()
    .int()
    .min(1)
    .default(64)
    .describe('Password checks that may wait, a share for each network; one more gets 503.'),
  EGRESS_ADDRESSES: networks.describe('Own egress, as CIDR blocks: never blocked, nor is any private address.'),
  GEO_DATABASE: text
    .optional()
    .describe('Path of a MaxMind database of cities (`.mmdb`); without it no travel is judged.'),
  TRAVEL_VPN_RANGES: networks.describe(
    'Where your people’s VPNs come out, as CIDR blocks: no place is read from them.',
  ),
  CANARY_ADDRESSES: logins.describe(
    'Logins that nobody has, planted where only a thief finds them: whoever tries one gives themselves away.',
  ),
  SMTP_URL: smtpUrl.describe(
    'Mail server, with user and password. Outside the lab `smtp:` is encrypted by STARTTLS, or nothing is sent.',
  ),
  MAIL_FROM: z
    .email('must be an email address')
    .meta({ form: 'email address' })
    .describe('Sender of every mail; the server must be allowed to send for its domain.'),
  LEDGER_RETENTION_DAYS: z.coerce
    .number()
    .int()
    .min(2)
    .max(3650)
    .default(90)
    .describe('How long rows of the session and containment ledgers and of the audit are kept.'),
  CONTAIN_CAP: z.coerce
    .number()
    .int()
    .min(1)
    .default(25)
    .describe(
      'Accounts or networks that one detection may contain in ten minutes; as many accounts under a week old besides.',
    ),
  CONTAIN_CAP_SOURCE: z.coerce
    .number()
    .int()
    .min(1)
    .default(5)
    .describe(
      'How many of those from one source (IPv4 /24, IPv6 /48) count for everybody; those beyond take only what is free.',
    ),
  DD_API_KEY: hidden
    .optional()
    .describe('With `DD_SITE`: functions send their log lines to Datadog themselves as well.'),
  DD_SITE: z
    .enum(DATADOG_SITES, `must be one of ${DATADOG_SITES.join(', ')}`)
    .optional()
    .describe('Where the organisation’s data is.'),
  DD_LOGS_URL: intakeUrl.optional().describe('Takes those lines instead of `DD_SITE`’s intake: a relay of yours.'),
  DD_APP_KEY: hidden
    .optional()
    .describe(
      'With `DD_API_KEY`: the sweeper asks Datadog which alerts are open, and contains what no webhook brought.',
    ),
  DD_API_URL: origin
    .optional()
    .describe('Datadog’s API, which is asked with `DD_APP_KEY`; `https://api.<DD_SITE>` when absent.'),
})

const WebSchema = z.object({
  ...common,
  RUM_APP_ID: z
    .uuid('must be the id of a RUM application')
    .optional()
    .describe('Browser RUM, together with its client token; without both no page has anything of it.'),
  RUM_CLIENT_TOKEN: text
    // The prefix tells a client token from an API key, which must never reach a page.
    .regex(/^pub[0-9A-Za-z]{8,64}$/, 'must be a client token, which begins with pub')
    .optional()
    .describe('Client token of that application. Public by design: it stands in every page.'),
  RUM_PROXY: proxyUrl
    .optional()
    .describe('Takes RUM’s reports instead of Datadog, and passes them on: a URL of yours.'),
  DD_SITE: z
    .enum(DATADOG_SITES, `must be one of ${DATADOG_SITES.join(', ')}`)
    .default('datadoghq.com')
    .describe('Where the organisation’s data is.'),
  DD_VERSION: text
    .max(64)
    .optional()
    .describe('What RUM calls this release; the version of `package.json` when absent.'),
  LAB_MAILBOX_URL: text
    .optional()
    .meta({ form: 'URL' })
    .describe('Mailbox of the lab, to which the page after registering links. Refused outside the lab.'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8000).describe('Where web listens; Heroku sets it.'),
  HOST: text.default('0.0.0.0').describe('The interface web listens on.'),
})

export type FunctionsConfig = Readonly<z.infer<typeof FunctionsSchema>>
export type WebConfig = Readonly<z.infer<typeof WebSchema>>
export type MigrateConfig = Readonly<z.infer<typeof MigrateSchema>>
export const parseFunctionsConfig = (env: NodeJS.ProcessEnv): FunctionsConfig => parse(FunctionsSchema, env)
export const parseWebConfig = (env: NodeJS.ProcessEnv): WebConfig => parse(WebSchema, env)
export const parseMigrateConfig = (env: NodeJS.ProcessEnv): MigrateConfig => parse(MigrateSchema, env)

/** The schemas by reader, from which docs/configuration.md is generated. */
export const configSchemas = { functions: FunctionsSchema, web: WebSchema, release: MigrateSchema } as const

/** The names that a host reads, for the docs and the deployment templates. */
export const functionsVariables: readonly string[] = Object.keys(FunctionsSchema.shape)
export const webVariables: readonly string[] = Object.keys(WebSchema.shape)
export const migrateVariables: readonly string[] = Object.keys(MigrateSchema.shape)

type Env = NodeJS.ProcessEnv

/**
 * Parses once, before anything listens.
 * @throws ConfigError with every fault at once, by variable name and without the values
 */
function parse<S extends z.ZodObject>(schema: S, env: Env): Readonly<z.infer<S>> {
  // An empty variable counts as missing: `FOO=` in a settings file must not pass as a value.
  const given = Object.fromEntries(Object.entries(env).filter(([name, value]) => name in schema.shape && value !== ''))
  const result = schema.safeParse(given)
  const faults = [
    ...(result.error?.issues ?? []).map((issue) => faultOf(issue, given)),
    ...('TABLES_URL' in schema.shape ? tablesFaults(given) : []),
    ...rumFaults(given),
    ...graceFaults(result.data ?? {}),
    ...datadogFaults(given, env.ATO_LAB === '1'),
    ...labFaults(given, env.ATO_LAB === '1'),
  ]
  if (!result.success || faults.length > 0) {
    throw new ConfigError(`Configuration is not usable:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
  }
  return Object.freeze(result.data)
}

function faultOf(issue: z.core.$ZodIssue, given: Record<string, unknown>): string {
  const [name, ...rest] = issue.path.map(String)
  const where = rest.length > 0 ? `${name} (${rest.join('.')})` : `${name}`
  return name !== undefined && !(name in given) ? `${where}: is missing` : `${where}: ${issue.message}`
}

/** Requires exactly one way to the tables, and a complete identity. */
function tablesFaults(given: Record<string, unknown>): string[] {
  const has = (name: string) => name in given
  const faults: string[] = []
  if (has('TABLES_URL') === has('TABLES_CONNECTION')) {
    faults.push(
      `TABLES_URL, TABLES_CONNECTION: exactly one of them must be set, and ${has('TABLES_URL') ? 'both are' : 'none is'}`,
    )
  }
  if (has('AZURE_CLIENT_SECRET') && !(has('AZURE_CLIENT_ID') && has('AZURE_TENANT_ID'))) {
    faults.push('AZURE_CLIENT_SECRET: needs AZURE_CLIENT_ID and AZURE_TENANT_ID beside it')
  }
  return faults
}

/** Refuses half of the RUM settings: the page would silently have no RUM. */
function rumFaults(given: Record<string, unknown>): string[] {
  const has = (name: string) => name in given
  if (has('RUM_APP_ID') !== has('RUM_CLIENT_TOKEN')) {
    const [set, missing] = has('RUM_APP_ID') ? ['RUM_APP_ID', 'RUM_CLIENT_TOKEN'] : ['RUM_CLIENT_TOKEN', 'RUM_APP_ID']
    return [`${missing}: is missing, and ${set} is set: RUM needs both, or neither`]
  }
  return has('RUM_PROXY') && !has('RUM_APP_ID') ? ['RUM_PROXY: needs RUM_APP_ID and RUM_CLIENT_TOKEN beside it'] : []
}

/** A store knows one retired gen. A second renewal within the grace of the first would look like a fork. */
function graceFaults(parsed: Record<string, unknown>): string[] {
  const { SESSION_RENEW_SECONDS: renew, SESSION_GRACE_SECONDS: grace } = parsed
  return Number(grace) > Number(renew) ? ['SESSION_GRACE_SECONDS: must not be more than SESSION_RENEW_SECONDS'] : []
}

/** Refuses half a destination: no line would arrive. In the lab the keys are always set and mean nothing alone. */
function datadogFaults(given: Record<string, unknown>, lab: boolean): string[] {
  const has = (name: string) => name in given
  const faults: string[] = []
  if (has('DD_LOGS_URL') && !has('DD_API_KEY')) faults.push('DD_LOGS_URL: needs DD_API_KEY beside it')
  if (has('DD_APP_KEY') && !has('DD_API_KEY')) faults.push('DD_APP_KEY: needs DD_API_KEY beside it')
  if (has('DD_API_URL') && !has('DD_APP_KEY')) faults.push('DD_API_URL: needs DD_APP_KEY beside it')
  if (lab || has('DD_SITE')) return faults
  if (has('DD_APP_KEY') && !has('DD_API_URL')) {
    faults.push('DD_SITE: is missing, and DD_APP_KEY is set: open alerts are asked for at DD_SITE or DD_API_URL')
  } else if (has('DD_API_KEY') && !has('DD_LOGS_URL') && !has('DD_APP_KEY')) {
    faults.push('DD_SITE: is missing, and DD_API_KEY is set: log lines need both, or neither')
  }
  return faults
}

/** Lab secrets are in a file on a laptop. Outside the lab they must not open anything. */
function labFaults(given: Record<string, unknown>, lab: boolean): string[] {
  const loopback = (value: unknown) => {
    const host = typeof value === 'string' && URL.canParse(value) ? new URL(value).hostname : ''
    return host === 'localhost' || host === '127.0.0.1' || host === '[::1]'
  }
  const origins = ['WEB_ORIGIN', 'FUNCTIONS_ORIGIN', 'RUM_PROXY', 'DD_LOGS_URL', 'DD_API_URL'].filter(
    (name) => name in given,
  )
  if (lab) {
    // Real people may own the addresses in the lab, so its mail must stay on this machine.
    return [...origins, ...['SMTP_URL', 'LAB_MAILBOX_URL'].filter((name) => name in given)]
      .filter((name) => !loopback(given[name]))
      .map((name) => `${name}: must be a loopback origin, because ATO_LAB=1`)
  }
  const named = [
    'ATO_HMAC_SECRET',
    'ATO_WEBHOOK_SECRET',
    'DEVICE_HASH_KEY',
    'TOTP_KEY',
    'PASSWORD_PEPPER',
    'DD_API_KEY',
    'DD_APP_KEY',
  ]
  const labSecrets = named.filter((name) =>
    String(given[name] ?? '')
      .split(',')
      .some((item) => item.trim().startsWith(LAB_PREFIX)),
  )
  if (String(given.SESSION_SIGNING_KEYS ?? '').includes(`"kid":"${LAB_PREFIX}`)) labSecrets.push('SESSION_SIGNING_KEYS')
  return [
    ...('LAB_MAILBOX_URL' in given ? ['LAB_MAILBOX_URL: is for the lab only'] : []),
    ...labSecrets.map((name) => `${name}: is a lab secret; generate one of your own`),
    ...origins
      .filter((name) => !String(given[name]).startsWith('https://'))
      .map((name) => `${name}: must be https outside the lab`),
  ]
}
