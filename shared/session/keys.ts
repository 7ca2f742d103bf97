import { type CryptoKey, importJWK, type JWK } from 'jose'
import * as z from 'zod'
import type { SigningKey } from '../config.ts'
import { type KeySource, publicJwk } from './token.ts'

/** How often web reads the keys of functions, and the pause before it reads again for an unknown key. */
const REFRESH_MS = 60_000
const UNKNOWN_KEY_COOLDOWN_MS = 5_000
const FETCH_TIMEOUT_MS = 3_000

/** What `GET /api/auth/jwks` answers. @see RFC 7517 5 */
const JsonWebKeySet = z.object({
  keys: z.array(z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), kid: z.string() })).min(1),
})

async function importKey(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, 'EdDSA')
  if (key instanceof Uint8Array) throw new Error('A session key is a secret and not a public key.')
  return key
}

/** The keys of the host that signs. */
export function localKeys(signingKeys: readonly SigningKey[]): KeySource {
  const keys = new Map(signingKeys.map((key) => [key.kid, importKey(publicJwk(key))]))
  return { find: async (kid) => keys.get(kid), version: () => 'local' }
}

/**
 * The keys of the host that verifies. If a refresh fails, the last good set stays: a restart of functions must not
 * end a session. Nothing is fetched before the first token. Until a set has been read, `find` throws.
 */
export function remoteKeys(
  url: string,
  deps: { fetch: typeof fetch; now: () => number; warn: (message: string) => void },
): KeySource {
  let keys = new Map<string, CryptoKey>()
  let version = ''
  let askedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined

  const refresh = async () => {
    askedAt = deps.now()
    try {
      const response = await deps.fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS), redirect: 'error' })
      if (!response.ok) throw new Error(`answered ${response.status}`)
      const set = JsonWebKeySet.parse(await response.json())
      const imported = set.keys.map(async (key) => [key.kid, await importKey(key)] as const)
      keys = new Map(await Promise.all(imported))
      version = JSON.stringify(set.keys.map((key) => [key.kid, key.x]))
    } catch (error) {
      deps.warn(`session keys could not be refreshed: ${error instanceof Error ? error.message : 'unknown'}`)
    }
  }
  const refreshOnce = () => {
    asking ??= refresh().finally(() => {
      asking = undefined
    })
    return asking
  }

  return {
    version: () => version,
    find: async (kid) => {
      const age = deps.now() - askedAt
      const known = keys.get(kid)
      if (known && age >= REFRESH_MS) void refreshOnce()
      if (!known && (asking || age >= UNKNOWN_KEY_COOLDOWN_MS)) await refreshOnce()
      // Without a key the token cannot be judged. To call it invalid would sign everybody out while both hosts start.
      if (keys.size === 0) throw new Error('no session keys could be read yet')
      return keys.get(kid)
    },
  }
}
