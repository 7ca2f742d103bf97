import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../secret.ts'

/**
 * The secret by which an account recognises a browser or a script. Copied headers do not contain it. Its signature
 * binds it to one account. It is valid only while its row exists, so it can be revoked.
 * @see OWASP, Slow Down Online Guessing Attacks with Device Cookies
 */
export interface DeviceToken {
  userId: string
  /** 128 random bits, base64url. The store holds their hash. */
  id: string
}

/** Newest first: the first signs, every one verifies. */
export type DeviceTokenKeys = readonly [Buffer, ...Buffer[]]

/** A browser holds one token for each account that was used in it, at most this many. */
export const MAX_TOKENS = 5
/** Separates the tokens of a browser. A cookie value may contain it. @see RFC 6265 4.1.1 */
const SEPARATOR = '~'

const FORM = /^d1\.([0-9a-f]{32})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/

/** Keys derived with their own label: a device hash never verifies as a token, nor a token as a hash. @see RFC 5869 */
export const deviceTokenKeys = ([newest, ...older]: readonly [Secret, ...Secret[]]): DeviceTokenKeys => {
  const derive = (secret: Secret) =>
    Buffer.from(hkdfSync('sha256', secret.reveal(), '', 'mini-ato-saas device token v1', 32))
  return [derive(newest), ...older.map(derive)]
}

export const newDeviceId = (): string => randomBytes(16).toString('base64url')

export function writeDeviceToken({ userId, id }: DeviceToken, [key]: DeviceTokenKeys): string {
  const account = userId.replaceAll('-', '')
  return `d1.${account}.${id}.${mac(account, id, key).toString('base64url')}`
}

/**
 * Finds the token of one account among those that a client presents.
 * @returns undefined if no token is of this account, or our signature is missing; no store is asked in that case
 */
export function findDeviceToken(
  presented: string | undefined,
  userId: string,
  keys: DeviceTokenKeys,
): DeviceToken | undefined {
  const account = userId.replaceAll('-', '')
  for (const text of tokensIn(presented)) {
    const [, owner = '', id = '', signature = ''] = FORM.exec(text) ?? []
    if (owner === account && keys.some((key) => isSignedBy(key, { account, id, signature }))) return { userId, id }
  }
  return undefined
}

/** The texts that have the form of a token, at most {@link MAX_TOKENS}. Web cannot verify them and passes them on. */
export const tokensIn = (presented: string | undefined): string[] =>
  (presented ?? '')
    .slice(0, 1024)
    .split(SEPARATOR)
    .filter((text) => FORM.test(text))
    .slice(0, MAX_TOKENS)

/** Puts a new token first and removes the older one of the same account. */
export function withDeviceToken(held: string | undefined, token: string): string {
  const accountOf = (text: string) => FORM.exec(text)?.[1]
  const others = tokensIn(held).filter((text) => accountOf(text) !== accountOf(token))
  return [token, ...others].slice(0, MAX_TOKENS).join(SEPARATOR)
}

/** Joins tokens to the one text that a browser holds. */
export const joinTokens = (tokens: readonly string[]): string | undefined => tokens.join(SEPARATOR) || undefined

const isSignedBy = (key: Buffer, { account, id, signature }: { account: string; id: string; signature: string }) => {
  const expected = mac(account, id, key)
  const given = Buffer.from(signature, 'base64url')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

const mac = (account: string, id: string, key: Buffer): Buffer =>
  createHmac('sha256', key).update(`${account}.${id}`).digest()
