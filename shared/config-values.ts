import { X509Certificate } from 'node:crypto'
import * as z from 'zod'
import { DETECTIONS } from './containment/policy.ts'
import { EMAIL_PATTERN } from './event.ts'
import { Secret } from './secret.ts'

const MIN_SECRET_BYTES = 32

export const text = z.string().min(1)
const secret = text
  .refine((value) => Buffer.byteLength(value) >= MIN_SECRET_BYTES, `must be at least ${MIN_SECRET_BYTES} bytes`)
  .transform((value) => new Secret(value))
/** A comma-separated list while a secret is rotated, newest first. */
export const secrets = text
  .transform((value) => value.split(',').map((item) => item.trim()))
  .pipe(z.tuple([secret], secret))
  .meta({ form: `secret of at least ${MIN_SECRET_BYTES} bytes, or a list of them` })
export const connection = (schemes: readonly string[]) =>
  text
    .refine((value) => schemes.some((scheme) => value.startsWith(scheme)), `must begin with ${schemes.join(' or ')}`)
    .transform((value) => new Secret(value))
    .meta({ form: schemes.map((scheme) => `\`${scheme}…\``).join(' or ') })
export const origin = text
  .refine(
    (value) => URL.canParse(value) && new URL(value).origin === value && /^https?:$/.test(new URL(value).protocol),
    'must be an origin such as https://app.example.com, without a path',
  )
  .meta({ form: 'origin, without a path' })

/** A query is refused: mail libraries read options from it, and one of them turns verification off. */
export const smtpUrl = text
  .refine((value) => {
    if (!URL.canParse(value)) return false
    const { protocol, hostname, pathname, search, hash } = new URL(value)
    return /^smtps?:$/.test(protocol) && hostname !== '' && /^\/?$/.test(pathname) && search + hash === ''
  }, 'must be a URL such as smtps://user:password@mail.example.com, without a query')
  .transform((value) => new Secret(value))
  .meta({ form: '`smtp://…` or `smtps://…`' })

export const httpsUrl = text
  .refine(
    (value) => URL.canParse(value) && new URL(value).protocol === 'https:' && new URL(value).search === '',
    'must be an https URL without a query',
  )
  .meta({ form: 'https URL' })
/** @see RFC 9116 2.5.3: a URI, and only https for the web */
export const contactUri = text
  .refine(
    (value) => /^(?:mailto:|https:\/\/|tel:)[\x21-\x7e]{1,250}$/.test(value) && URL.canParse(value),
    'must be a URI such as mailto:security@example.com or https://example.com/security',
  )
  .meta({ form: '`mailto:…`, `https://…` or `tel:…`' })
/** The SDK appends its own query, drops a fragment, and would put credentials into every page. */
export const proxyUrl = text.refine((value) => {
  if (!URL.canParse(value)) return false
  const { protocol, username, password, search, hash } = new URL(value)
  return /^https?:$/.test(protocol) && username + password + search + hash === ''
}, 'must be a URL such as https://app.example.com/rum, without a query')
export const certificate = text
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
export const signingKeys = text
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

export const flag = z
  .enum(['0', '1'])
  .default('0')
  .transform((value) => value === '1')
export const seconds = (fallback: number, min: number) => z.coerce.number().int().min(min).default(fallback)

const list = z
  .string()
  .default('')
  .transform((value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean),
  )

/** A comma-separated list of CIDR blocks, empty by default. */
export const networks = list
  .pipe(z.array(z.union([z.cidrv4(), z.cidrv6()], 'must be CIDR blocks such as 198.51.100.7/32')))
  .meta({ form: 'CIDR blocks, comma-separated' })

/** Comma-separated logins, empty by default. */
export const logins = list
  .transform((items) => items.map((item) => item.toLowerCase()))
  .pipe(z.array(z.string().regex(EMAIL_PATTERN, 'must be email addresses')))
  .meta({ form: 'email addresses, comma-separated' })

const MODES = ['enforce', 'observe'] as const
type ContainMode = (typeof MODES)[number]

/** `observe` or `enforce` for all, first, then `<detection>=<mode>` for some; `enforce` by default. @returns the mode of each detection */
export const containModes = list
  .transform((items, context): ReadonlyMap<string, ContainMode> => {
    const modeOf = (text: string | undefined) => MODES.find((mode) => mode === text)
    const modes = new Map<string, ContainMode>(DETECTIONS.map((detection) => [detection, 'enforce']))
    const named = new Set<string | undefined>()
    for (const item of items) {
      const at = item.indexOf('=')
      const [detection, text] = at < 0 ? [undefined, item] : [item.slice(0, at), item.slice(at + 1)]
      // A mode for all would undo the modes of single ones before it, and of two modes for one it would be unclear which holds.
      const isClear = !named.has(detection) && (detection !== undefined || named.size === 0)
      named.add(detection)
      const mode = modeOf(text)
      const meant = detection === undefined ? DETECTIONS : DETECTIONS.filter((each) => each === detection)
      if (mode === undefined || meant.length === 0 || !isClear) {
        context.addIssue(
          'must be observe, enforce, or pairs such as session-reuse=observe with names of detections, each once',
        )
        return z.NEVER
      }
      for (const each of meant) modes.set(each, mode)
    }
    return modes
  })
  .meta({ form: '`observe`, `enforce` or `<detection>=<mode>`, comma-separated' })

export const hidden = text.transform((value) => new Secret(value)).meta({ form: 'secret' })

export const intakeUrl = text
  .refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), 'must be a URL')
  .meta({ form: 'https URL' })
