import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { Secret } from './secret.ts'

/** The header of every signed call, in the form that the webhook libraries of Stripe verify. */
export const SIGNATURE_HEADER = 'x-ato-signature'
/** The allowed difference between the clocks of caller and receiver, either way, in seconds. */
export const TOLERANCE_SECONDS = 300

export type SignatureFault = 'bad_signature' | 'stale' | 'malformed'

/** Keys of one direction: the first key signs, every key verifies. */
export type SigningKeys = readonly (string | Buffer)[]

/** The keys of functions → web: the secrets as typed, which `openssl dgst -hmac` and the libraries of Stripe take. */
export const revokeKeys = (secrets: readonly Secret[]): SigningKeys => secrets.map((secret) => secret.reveal())

/**
 * The keys of web → functions, derived with their own label: a signature of one direction never verifies in the
 * other.
 * @see RFC 5869
 */
export const webKeys = (secrets: readonly Secret[]): SigningKeys =>
  secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret.reveal(), '', 'mini-ato-saas web to functions v1', 32)))

/**
 * `X-ATO-Signature` for a body: `t=<unix seconds>,v1=<hex>`, HMAC-SHA256 over `<t>.<raw body>`.
 * @param now epoch ms
 */
export function sign(body: string | Uint8Array, keys: SigningKeys, now: number): string {
  const [key] = keys
  if (key === undefined) throw new Error('no key to sign with')
  const t = Math.floor(now / 1000)
  return `t=${t},v1=${mac(body, String(t), key)}`
}

/**
 * Verifies a signature over the raw bytes of a body, in constant time.
 * @param now epoch ms
 * @returns `{ t }` (unix seconds, as signed) or the fault. The signature is checked before the clock, so `stale`
 * means that one of our keys signed the call.
 */
export function verify(
  header: string | undefined,
  body: string | Uint8Array,
  keys: SigningKeys,
  now: number,
): { t: number } | { fault: SignatureFault } {
  const parsed = parseHeader(header ?? '')
  if (!parsed) return { fault: 'malformed' }
  let verified = false
  for (const key of keys) {
    const expected = Buffer.from(mac(body, parsed.t, key), 'latin1')
    for (const candidate of parsed.v1) if (timingSafeEqual(candidate, expected)) verified = true
  }
  if (!verified) return { fault: 'bad_signature' }
  const t = Number(parsed.t)
  if (Math.abs(now / 1000 - t) > TOLERANCE_SECONDS) return { fault: 'stale' }
  return { t }
}

/** Compares a presented text with each of our secrets in constant time, whatever their lengths. */
export function equalsAny(presented: string, secrets: readonly Secret[]): boolean {
  const digest = (text: string) => createHmac('sha256', 'constant-time comparison').update(text).digest()
  const left = digest(presented)
  let equal = false
  for (const secret of secrets) if (timingSafeEqual(left, digest(secret.reveal()))) equal = true
  return equal
}

/** In hexadecimal: a buffer for each would cost half as much again as everything else. */
const mac = (body: string | Uint8Array, t: string, key: string | Buffer): string =>
  createHmac('sha256', key).update(`${t}.`).update(body).digest('hex')

/**
 * Reads each `v1` as its 64 digits. Skips unknown schemes such as `v0`, as Stripe does, so a later `v2` can be sent
 * beside `v1`.
 */
function parseHeader(header: string): { t: string; v1: Buffer[] } | undefined {
  if (header.length > 1024) return undefined
  let t: string | undefined
  const v1: Buffer[] = []
  for (const item of header.split(',')) {
    const match = /^\s*([a-z][a-z0-9]*)=([^,\s]*)\s*$/.exec(item)
    if (!match) return undefined
    const [, name, value = ''] = match
    if (name === 't') {
      if (t !== undefined || !/^[0-9]{1,12}$/.test(value)) return undefined
      t = value
    } else if (name === 'v1') {
      if (!/^[0-9a-f]{64}$/.test(value)) return undefined
      v1.push(Buffer.from(value, 'latin1'))
    }
  }
  return t === undefined || v1.length === 0 ? undefined : { t, v1 }
}
