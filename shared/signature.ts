import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { Secret } from './secret.ts'

/** The header of every signed call. Its form is the one that Stripe's webhook libraries verify. */
export const SIGNATURE_HEADER = 'x-ato-signature'
/** How far a call's clock may be from ours, either way, in seconds. */
export const TOLERANCE_SECONDS = 300

export type SignatureFault = 'bad_signature' | 'stale' | 'malformed'

/** Keys of one direction: the first signs, every one verifies. */
export type SigningKeys = readonly (string | Buffer)[]

/** The keys of functions → web are the secrets as typed: what `openssl dgst -hmac` and Stripe's libraries take. */
export const revokeKeys = (secrets: readonly Secret[]): SigningKeys => secrets.map((secret) => secret.reveal())

/**
 * The keys of web → functions: derived with a label of their own, so that a signature made for one direction never
 * verifies in the other. @see RFC 5869
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
 * @returns `{ t }` (unix seconds, as signed) or the fault. The signature is judged before the clock, so that
 * `stale` is only ever said of a call that one of our keys signed.
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

/** Constant-time comparison of a presented text with any of our secrets; lengths leak nothing. */
export function equalsAny(presented: string, secrets: readonly Secret[]): boolean {
  const digest = (text: string) => createHmac('sha256', 'constant-time comparison').update(text).digest()
  const left = digest(presented)
  let equal = false
  for (const secret of secrets) if (timingSafeEqual(left, digest(secret.reveal()))) equal = true
  return equal
}

/** In hexadecimal digits: a buffer for each would cost half as much again as all of the rest. */
const mac = (body: string | Uint8Array, t: string, key: string | Buffer): string =>
  createHmac('sha256', key).update(`${t}.`).update(body).digest('hex')

/** Each `v1` as its 64 digits. Unknown schemes are skipped, as Stripe's are (`v0`), so that a later `v2` can be sent beside `v1`. */
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
