import { createHash } from 'node:crypto'
import { type CryptoKey, errors, importJWK, jwtVerify, SignJWT } from 'jose'
import * as z from 'zod'
import type { SigningKey } from '../config.ts'
import { Sid } from '../event.ts'

/** A token type of our own, so that no other token signed by us can pass as a session. @see RFC 8725 3.11 */
const TYPE = 'ato-session+jwt'
const ISSUER = 'mini-ato-saas'
const MAX_TOKEN_LENGTH = 2048
const CACHE_SIZE = 10_000
const CACHE_MS = 60_000

const Claims = z.object({
  sub: z.uuid(),
  sid: Sid,
  gen: z.number().int().min(1),
  /** The host that the token was issued for: neither host accepts a token of the other. */
  aud: z.enum(['web', 'api']),
  amr: z.array(z.enum(['pwd', 'otp'])), // RFC 8176
  acr: z.enum(['signed-in', 're-authenticated']),
  auth_time: z.number().int(),
  exp: z.number().int(),
})
export type Claims = z.infer<typeof Claims>

export type Verification =
  | { kind: 'verified'; claims: Claims }
  | { kind: 'expired'; claims: Claims }
  | { kind: 'invalid'; reason: 'bad_signature' | 'unknown_key' | 'malformed' }

/** Public keys by `kid`. `version` changes whenever the set does, which empties the cache of verified tokens. */
export interface KeySource {
  find(kid: string): Promise<CryptoKey | undefined>
  version(): string
}

export type IssueToken = (claims: Claims) => Promise<string>
export type VerifyToken = (token: string, now: number) => Promise<Verification>

/** @param key the first of `SESSION_SIGNING_KEYS` */
export function createIssuer(key: SigningKey): IssueToken {
  const imported = importJWK({ ...publicJwk(key), d: key.d.reveal() }, 'EdDSA')
  return async (claims) =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid: key.kid })
      .setIssuer(ISSUER)
      .sign(await imported)
}

export const publicJwk = (key: SigningKey) => ({
  kty: key.kty,
  crv: key.crv,
  x: key.x,
  kid: key.kid,
  alg: 'EdDSA',
  use: 'sig',
})

/**
 * Verifies a session token: our signature, type and claims. Successes are cached by the SHA-256 of the exact bytes of
 * the token for at most a minute. The cache saves the signature check, never the read of Redis.
 */
export function createVerifier(keys: KeySource): VerifyToken {
  const cache = new Map<string, { claims: Claims; until: number }>()
  let version = keys.version()

  return async (token, now) => {
    if (token.length > MAX_TOKEN_LENGTH) return { kind: 'invalid', reason: 'malformed' }
    if (version !== keys.version()) {
      cache.clear()
      version = keys.version()
    }
    const id = createHash('sha256').update(token).digest('base64url')
    const hit = cache.get(id)
    if (hit && now < hit.until) return judge(hit.claims, now)
    cache.delete(id)
    const verification = await verifyOnce(token, keys)
    if (verification.kind !== 'verified') return verification
    const [oldest] = cache.keys()
    if (cache.size >= CACHE_SIZE && oldest !== undefined) cache.delete(oldest)
    cache.set(id, { claims: verification.claims, until: now + CACHE_MS })
    return judge(verification.claims, now)
  }
}

const judge = (claims: Claims, now: number): Verification =>
  now < claims.exp * 1000 ? { kind: 'verified', claims } : { kind: 'expired', claims }

async function verifyOnce(token: string, keys: KeySource): Promise<Verification> {
  let unknownKey = false
  try {
    const { payload } = await jwtVerify(
      token,
      async (header) => {
        const key = typeof header.kid === 'string' ? await keys.find(header.kid) : undefined
        if (!key) unknownKey = true
        return key ?? Promise.reject(new errors.JWKSNoMatchingKey())
      },
      // `judge` checks the expiry at the time of the caller: an expired token still names its session.
      { algorithms: ['EdDSA'], issuer: ISSUER, typ: TYPE, currentDate: new Date(0) },
    )
    const claims = Claims.safeParse(payload)
    return claims.success ? { kind: 'verified', claims: claims.data } : { kind: 'invalid', reason: 'malformed' }
  } catch (error) {
    if (unknownKey) return { kind: 'invalid', reason: 'unknown_key' }
    if (error instanceof errors.JWSSignatureVerificationFailed) return { kind: 'invalid', reason: 'bad_signature' }
    if (error instanceof errors.JOSEError) return { kind: 'invalid', reason: 'malformed' }
    throw error
  }
}
