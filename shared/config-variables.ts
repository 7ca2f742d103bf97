import * as z from 'zod'
import {
  certificate,
  connection,
  contactUri,
  containModes,
  flag,
  hidden,
  httpsUrl,
  intakeUrl,
  logins,
  networks,
  origin,
  proxyUrl,
  seconds,
  secrets,
  signingKeys,
  smtpUrl,
  text,
} from './config-values.ts'

const authority = certificate.optional()
const lab = flag.describe('1 in the lab: accepts loopback origins, `lab-` secrets and stores without TLS.')
const insecure = flag.describe(
  '1: stores without a pinned authority are encrypted but not verified. Logs a warning at every start.',
)

/** What both hosts read. Each entry is one environment variable; docs/configuration.md prints its description. */
const common = {
  ATO_LAB: lab,
  DD_SERVICE: text
    .default('mini-ato-saas')
    .describe('Service name in every log line. The log drain must use the same.'),
  DD_ENV: text.default('prod').describe('Environment in every log line. The detections search for `prod`.'),
  REDIS_URL: connection(['redis://', 'rediss://']).describe('Redis: live sessions, throttle counters, blocks, leases.'),
  REDIS_CA: authority.describe('Private certificate authority of Redis. With it, host names are not compared.'),
  REDIS_CLUSTER: flag.describe(
    '1: `REDIS_URL` is a node of a cluster. Several comma-separated URLs mean a cluster as well.',
  ),
  TLS_INSECURE: insecure,
  TABLES_URL: httpsUrl.optional().describe('Table endpoint of a storage account, with an Entra ID identity.'),
  TABLES_CONNECTION: hidden.optional().describe('Instead of `TABLES_URL`: a connection string with a key or a SAS.'),
  AZURE_CLIENT_ID: text
    .optional()
    .describe('Identity for `TABLES_URL`: a managed identity, or an application with the two variables below.'),
  AZURE_TENANT_ID: text.optional().describe('Tenant of that application, on a host without a managed identity.'),
  AZURE_CLIENT_SECRET: hidden.optional().describe('Secret of that application. It expires.'),
  ATO_HMAC_SECRET: secrets.describe('Signs the calls between the hosts. Both hosts must have the same value.'),
  DEVICE_HASH_KEY: secrets.describe(
    'Key of the device, hints and login hashes and of device tokens. Both hosts must have the same value.',
  ),
  WEB_ORIGIN: origin.describe('The address at which browsers and functions reach web.'),
  FUNCTIONS_ORIGIN: origin.describe('The address at which web and API clients reach functions.'),
  SESSION_IDLE_SECONDS: seconds(3600, 60).describe('A session ends when it was not used for this long.'),
  SESSION_RENEW_SECONDS: seconds(300, 5).describe('Time of use after which a token is renewed.'),
  SESSION_GRACE_SECONDS: seconds(30, 5).describe(
    'How long a replaced token is still accepted; later use counts as a fork. At most `SESSION_RENEW_SECONDS`.',
  ),
  SESSION_ABSOLUTE_SECONDS: seconds(86_400, 300).describe('A session ends this long after the sign-in.'),
  SESSION_DEVICE_BINDING: z
    .enum(['observe', 'challenge', 'refuse'])
    .default('observe')
    .describe('What happens to a session that is used from another device. All three values write the same event.'),
}

/** What a release reads to bring the database up to date. */
export const MigrateSchema = z.object({
  ATO_LAB: lab,
  TLS_INSECURE: insecure,
  DATABASE_URL: connection(['postgres://', 'postgresql://']).describe('Postgres: users, credentials, audit rows.'),
  DATABASE_CA: authority.describe('Private certificate authority of Postgres, like `REDIS_CA`.'),
})

/** The Datadog sites. A closed list, because the name becomes part of a content security policy. */
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

export const FunctionsSchema = z.object({
  ...common,
  ...MigrateSchema.shape,
  ATO_WEBHOOK_SECRET: secrets.describe('The secret that Datadog’s webhook sends in `X-ATO-Webhook-Secret`.'),
  SESSION_SIGNING_KEYS: signingKeys.describe(
    'Private Ed25519 keys as a JWK Set. The first one signs; the public halves of all are published.',
  ),
  TOTP_KEY: secrets.describe('Encrypts TOTP secrets at rest.'),
  PASSWORD_PEPPER: secrets.describe('Key of every password hash.'),
  BCRYPT_COST: z.coerce
    .number()
    .int()
    .min(10)
    .max(15)
    .default(10)
    .describe('Cost of bcrypt. Each step doubles the work.'),
  HASH_QUEUE: z.coerce
    .number()
    .int()
    .min(1)
    .default(64)
    .describe('How many password checks may wait, shared among networks. Beyond it a sign-in gets 503.'),
  EGRESS_ADDRESSES: networks.describe(
    'The organisation’s own egress, as CIDR blocks. It is never blocked, and neither is a private address.',
  ),
  GEO_DATABASE: text
    .optional()
    .describe('Path of a MaxMind city database (`.mmdb`). Without it, impossible travel is not detected.'),
  TRAVEL_VPN_RANGES: networks.describe(
    'Exit addresses of the organisation’s VPNs, as CIDR blocks. They are given no location.',
  ),
  CANARY_ADDRESSES: logins.describe(
    'Logins without an account, planted where only an attacker finds them. An attempt with one is marked `canary`.',
  ),
  SMTP_URL: smtpUrl.describe('Mail server, with user and password. Outside the lab, `smtp:` requires STARTTLS.'),
  MAIL_FROM: z
    .email('must be an email address')
    .meta({ form: 'email address' })
    .describe('Sender of every mail. The mail server must be allowed to send for its domain.'),
  LEDGER_RETENTION_DAYS: z.coerce
    .number()
    .int()
    .min(2)
    .max(3650)
    .default(90)
    .describe('How long the rows of the session ledger, the containment ledger and the audit are kept.'),
  CONTAIN_MODE: containModes.describe(
    '`observe`: a detection only records what it would do; for all detections or for those that are named.',
  ),
  CONTAIN_CAP: z.coerce
    .number()
    .int()
    .min(1)
    .default(25)
    .describe(
      'How many accounts or networks one detection may contain in ten minutes. Accounts less than a week old have a limit of their own, of the same size.',
    ),
  CONTAIN_CAP_SOURCE: z.coerce
    .number()
    .int()
    .min(1)
    .default(5)
    .describe(
      'How many of them from one source (IPv4 /24, IPv6 /48) count in full. Those beyond use only what is left of the limit.',
    ),
  DD_API_KEY: hidden.optional().describe('With `DD_SITE`: functions also send their log lines to Datadog directly.'),
  DD_SITE: z
    .enum(DATADOG_SITES, `must be one of ${DATADOG_SITES.join(', ')}`)
    .optional()
    .describe('The Datadog site of the organisation.'),
  DD_LOGS_URL: intakeUrl.optional().describe('A relay that takes those lines instead of the intake of `DD_SITE`.'),
  DD_APP_KEY: hidden
    .optional()
    .describe(
      'With `DD_API_KEY`: the sweeper asks Datadog for open alerts and contains those for which no webhook arrived.',
    ),
  DD_API_URL: origin.optional().describe('Datadog’s API for `DD_APP_KEY`. Default: `https://api.<DD_SITE>`.'),
})

export const WebSchema = z.object({
  ...common,
  RUM_APP_ID: z
    .uuid('must be the id of a RUM application')
    .optional()
    .describe('Application id of browser RUM. Needs `RUM_CLIENT_TOKEN`; without both, pages have no RUM.'),
  RUM_CLIENT_TOKEN: text
    // The prefix tells a client token from an API key, which must never reach a page.
    .regex(/^pub[0-9A-Za-z]{8,64}$/, 'must be a client token, which begins with pub')
    .optional()
    .describe('Client token of that application. It is public by design: every page contains it.'),
  RUM_PROXY: proxyUrl.optional().describe('A proxy of your own that takes RUM’s reports and forwards them to Datadog.'),
  DD_SITE: z
    .enum(DATADOG_SITES, `must be one of ${DATADOG_SITES.join(', ')}`)
    .default('datadoghq.com')
    .describe('The Datadog site of the organisation.'),
  DD_VERSION: text
    .max(64)
    .optional()
    .describe('The name of this release in RUM. Default: the version in `package.json`.'),
  LAB_MAILBOX_URL: text
    .optional()
    .meta({ form: 'URL' })
    .describe('Mailbox of the lab. The page after a registration links to it. Refused outside the lab.'),
  SECURITY_CONTACT: contactUri
    .optional()
    .describe(
      'Whom to tell about a vulnerability: `/.well-known/security.txt` names it. Without it there is no such file.',
    ),
  PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(8000)
    .describe('The port on which web listens. Heroku sets it.'),
  HOST: text.default('0.0.0.0').describe('The interface on which web listens.'),
})
