import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { generateSecret, generateURI, verify } from 'otplib'
import type { Secret } from '../../shared/secret.ts'

const ISSUER = 'Mini ATO SaaS'
/** One step either way, for clocks that differ. @see RFC 6238 5.2 */
const TOLERANCE_SECONDS = 30
const IV_BYTES = 12
const TAG_BYTES = 16

export const newTotpSecret = (): string => generateSecret()

/** @see https://github.com/google/google-authenticator/wiki/Key-Uri-Format */
export const otpauthUri = (email: string, secret: string): string =>
  generateURI({ issuer: ISSUER, label: email, secret })

/**
 * Finds the time step of a code within one step of `now`. The store decides whether the step was used before.
 * @returns undefined for a wrong code and for anything but six digits
 */
export async function stepOfCode(secret: string, code: string, now: number): Promise<number | undefined> {
  if (!/^[0-9]{6}$/.test(code)) return undefined
  const epoch = Math.floor(now / 1000)
  const result = await verify({ secret, token: code, epoch, epochTolerance: TOLERANCE_SECONDS })
  return result.valid && 'timeStep' in result ? result.timeStep : undefined
}

/**
 * Encrypts a TOTP secret for one user: AES-256-GCM, `t1.<key id>.<iv, tag and ciphertext>`. Bound to the user's id,
 * so that a row copied to another account does not decrypt.
 * @param keys `TOTP_KEY`, newest first
 */
export function sealTotp(secret: string, userId: string, keys: readonly [Secret, ...Secret[]]): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', derivedFrom(keys[0]).cipherKey, iv).setAAD(Buffer.from(userId))
  const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
  return `t1.${derivedFrom(keys[0]).id}.${Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')}`
}

/** @throws if none of our keys sealed it for this user */
export function openTotp(sealed: string, userId: string, keys: readonly Secret[]): string {
  const [, id, body = ''] = /^t1\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)$/.exec(sealed) ?? []
  const key = keys.find((candidate) => derivedFrom(candidate).id === id)
  if (!key)
    throw new Error('A TOTP secret is sealed with a key that is not in TOTP_KEY: add that key behind the new one.')
  const bytes = Buffer.from(body, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', derivedFrom(key).cipherKey, bytes.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(Buffer.from(userId)).setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
  return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8')
}

interface Derived {
  readonly id: string
  readonly cipherKey: Buffer
}

const derived = new WeakMap<Secret, Derived>()

/** Derived once for each key of a configuration. */
function derivedFrom(key: Secret): Derived {
  const known = derived.get(key)
  if (known) return known
  const made = {
    id: createHash('sha256').update('totp key id v1\0').update(key.reveal()).digest('hex').slice(0, 8),
    cipherKey: Buffer.from(hkdfSync('sha256', key.reveal(), '', 'mini-ato-saas totp v1', 32)),
  }
  derived.set(key, made)
  return made
}
