import type { ConfirmDeps } from '../../functions/auth/confirm.ts'
import type { CredentialDeps } from '../../functions/auth/credentials.ts'
import type { LoginDeps } from '../../functions/auth/login.ts'
import type { EnrolDeps, VerifyMfaDeps } from '../../functions/auth/mfa.ts'
import type { RegisterDeps } from '../../functions/auth/register.ts'
import type { RenewDeps } from '../../functions/auth/renew.ts'
import type { Passwords } from '../../functions/passwords/passwords.ts'
import { createMemoryStores } from '../../functions/stores/memory-stores.ts'
import { deviceTokenKeys } from '../../shared/auth/device-token.ts'
import { configSchemas } from '../../shared/config.ts'
import type { Emit } from '../../shared/event.ts'
import { Secret } from '../../shared/secret.ts'
import type { EndDeps } from '../../shared/session/end.ts'
import type { PresentDeps } from '../../shared/session/present.ts'
import { Sightings } from '../../shared/session/sightings.ts'
import type { Claims, IssueToken, VerifyToken } from '../../shared/session/token.ts'
import { locate } from './networks.ts'

/** The values of a deployment that sets none of these. */
export const defaults = configSchemas.functions
  .pick({
    SESSION_IDLE_SECONDS: true,
    SESSION_RENEW_SECONDS: true,
    SESSION_GRACE_SECONDS: true,
    SESSION_ABSOLUTE_SECONDS: true,
    SESSION_DEVICE_BINDING: true,
    DD_SERVICE: true,
    DD_ENV: true,
  })
  .parse({})

const KEYS: readonly [Secret] = [new Secret('lab-corpus-key-of-no-deployment')]
const DEVICE_TOKEN_KEYS = deviceTokenKeys(KEYS)

/** The only password that the service refuses as too weak. */
export const WEAK_PASSWORD = 'weak'

/** Stores passwords unhashed: hashing would take most of the time and change no event. */
const passwords: Passwords = {
  hash: async (password) => password,
  check: async (password, stored) => (password === stored ? { matches: true, outdated: false } : { matches: false }),
  weakness: async (password) => (password === WEAK_PASSWORD ? 'It is too short.' : undefined),
  fingerprint: (password) => password,
}

/** A token is its claims in JSON: nobody forges one here, and a signature would change no event. */
const issueToken: IssueToken = async (claims) => JSON.stringify(claims)
const verifyToken: VerifyToken = async (token, now) => {
  if (!token.startsWith('{')) return { kind: 'invalid', reason: 'malformed' }
  const claims = JSON.parse(token) as Claims
  return { kind: now < claims.exp * 1000 ? 'verified' : 'expired', claims }
}

type FunctionsDeps = RegisterDeps &
  ConfirmDeps &
  LoginDeps &
  VerifyMfaDeps &
  CredentialDeps &
  EnrolDeps &
  PresentDeps &
  RenewDeps &
  EndDeps &
  ReturnType<typeof createMemoryStores>

export interface Hosts {
  readonly functions: FunctionsDeps
  readonly web: PresentDeps
  /** By address: the token in the latest mail that asks to confirm it. */
  readonly links: Map<string, string>
}

/**
 * The dependencies of the use cases of both hosts: the stores in memory, the default settings of a deployment, and the
 * clock of the town. Each host remembers its own sightings.
 */
export function createHosts({ now, emit }: { now: () => number; emit: Emit }): Hosts {
  const links = new Map<string, string>()
  const lifetimes = {
    idleSeconds: defaults.SESSION_IDLE_SECONDS,
    renewSeconds: defaults.SESSION_RENEW_SECONDS,
    graceSeconds: defaults.SESSION_GRACE_SECONDS,
  }
  const functions: FunctionsDeps = {
    ...createMemoryStores({ now, lifetimes }),
    now,
    emit,
    notify: ({ to, text }) => {
      const [, token] = /#token=(\S+)/.exec(text) ?? []
      if (token !== undefined) links.set(to, token)
    },
    ...lifetimes,
    absoluteSeconds: defaults.SESSION_ABSOLUTE_SECONDS,
    binding: defaults.SESSION_DEVICE_BINDING,
    deviceKeys: KEYS,
    deviceTokenKeys: DEVICE_TOKEN_KEYS,
    totpKeys: KEYS,
    lab: false,
    canaries: new Set(),
    webOrigin: 'https://app.example.com',
    passwords,
    issueToken,
    verifyToken,
    sightings: new Sightings(),
    locate,
    // No store fails here.
    warn: (message) => {
      throw new Error(`The service warns in ordinary life: ${message}`)
    },
    error: (error) => {
      throw error
    },
  }
  return { functions, web: { ...functions, sightings: new Sightings() }, links }
}
