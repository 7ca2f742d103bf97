import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { openTotp, sealTotp } from '../functions/auth/totp.ts'
import { createHashPool } from '../functions/passwords/hash-pool.ts'
import { createPasswords } from '../functions/passwords/passwords.ts'
import { deviceHashFor } from '../shared/client/device.ts'
import { parseFunctionsConfig, type SigningKey } from '../shared/config.ts'
import type { Secret } from '../shared/secret.ts'
import { localKeys, remoteKeys } from '../shared/session/keys.ts'
import { type Claims, createIssuer, createVerifier, publicJwk } from '../shared/session/token.ts'
import { equalsAny, revokeKeys, sign, verify, webKeys } from '../shared/signature.ts'
import { labEnv } from './env.ts'

/**
 * docs/operations.md: append the new one, swap the two, drop the old one, each step on every host before the next. In
 * the middle of a step one host, or one instance of it, is a step ahead of the other: nothing may break there.
 */
function rotation<T>(old: T, next: T): readonly (readonly [T, ...T[]])[] {
  return [[old], [old, next], [next, old], [next]]
}

/** Every pair of hosts that can meet: in the same step, or one step apart, either way. */
function meetings<T>(steps: readonly T[]): [T, T][] {
  return steps.flatMap((step, i) => {
    const ahead = steps[i + 1]
    const pairs: [T, T][] = [[step, step]]
    return ahead === undefined ? pairs : [...pairs, [step, ahead], [ahead, step]]
  })
}

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
const [before, after] = [parseFunctionsConfig(labEnv()), parseFunctionsConfig(labEnv())]
type Rotating = 'ATO_HMAC_SECRET' | 'ATO_WEBHOOK_SECRET' | 'DEVICE_HASH_KEY' | 'TOTP_KEY' | 'PASSWORD_PEPPER'
const secrets = (name: Rotating): readonly (readonly [Secret, ...Secret[]])[] =>
  rotation(before[name][0], after[name][0])

describe('ATO_HMAC_SECRET', () => {
  const accepted = (signer: readonly Secret[], verifier: readonly Secret[]) =>
    [revokeKeys, webKeys].every((keys) => 't' in verify(sign('{}', keys(signer), NOW), '{}', keys(verifier), NOW))

  test.each(meetings(secrets('ATO_HMAC_SECRET')))('is accepted in both directions, meeting %#', (signer, verifier) => {
    expect(accepted(signer, verifier)).toBe(true)
  })

  test('is refused when the first step is left out', () => {
    const [first, , third] = secrets('ATO_HMAC_SECRET')
    expect(accepted(third ?? [], first ?? [])).toBe(false)
  })
})

describe('DEVICE_HASH_KEY', () => {
  const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0'
  type Keys = readonly [Secret, ...Secret[]]
  const sameDevice = (binder: Keys, reader: Keys) => {
    const bound = deviceHashFor(AGENT, {}, binder)
    return deviceHashFor(AGENT, {}, reader, bound) === bound
  }

  test.each(meetings(secrets('DEVICE_HASH_KEY')))(
    'makes no session look stolen that the host a step apart bound, meeting %#',
    (binder, reader) => expect(sameDevice(binder, reader)).toBe(true),
  )

  test('would, when the first step is left out: a session of a host ahead has a second device on the one behind', () => {
    const [first, , third] = secrets('DEVICE_HASH_KEY') as [Keys, Keys, Keys]
    expect(sameDevice(third, first)).toBe(false)
  })
})

describe('SESSION_SIGNING_KEYS', () => {
  const steps = rotation<SigningKey>(
    { ...before.SESSION_SIGNING_KEYS[0], kid: 'old' },
    { ...after.SESSION_SIGNING_KEYS[0], kid: 'next' },
  )
  const claims: Claims = {
    sub: randomUUID(),
    sid: 'A'.repeat(22),
    gen: 1,
    aud: 'api',
    amr: ['pwd'],
    acr: 'signed-in',
    auth_time: 1,
    exp: NOW,
  }

  test.each(meetings(steps))('are trusted by the other instance of functions, meeting %#', async (signer, verifier) => {
    const token = await createIssuer(signer[0])(claims)
    expect((await createVerifier(localKeys(verifier))(token, NOW)).kind).toBe('verified')
  })

  test('are trusted by web at every step, whichever instance answers it', async () => {
    let answer = steps[0] ?? []
    let now = NOW
    const fetched = async () => Response.json({ keys: answer.map(publicJwk) })
    const verify = createVerifier(remoteKeys('http://f/jwks', { fetch: fetched, now: () => now, warn: () => {} }))
    for (const [signer, instance] of meetings(steps)) {
      answer = instance
      now += 3_600_000 // web may be long without a reason to ask again
      expect((await verify(await createIssuer(signer[0])(claims), NOW)).kind).toBe('verified')
    }
  })
})

test('ATO_WEBHOOK_SECRET is accepted while Datadog is changed in the middle of it', () => {
  const [old, , both, next] = secrets('ATO_WEBHOOK_SECRET')
  const [oldSecret, nextSecret] = [before, after].map((config) => config.ATO_WEBHOOK_SECRET[0].reveal())
  expect([old, both].every((list) => equalsAny(oldSecret ?? '', list ?? []))).toBe(true)
  expect([both, next].every((list) => equalsAny(nextSecret ?? '', list ?? []))).toBe(true)
  expect(equalsAny(oldSecret ?? '', next ?? [])).toBe(false)
})

describe('TOTP_KEY', () => {
  test.each(meetings(secrets('TOTP_KEY')))(
    'opens what an instance a step apart sealed, meeting %#',
    (sealer, opener) => {
      const id = randomUUID()
      const sealed = sealTotp('JBSWY3DPEHPK3PXP', id, sealer)
      expect(openTotp(sealed, id, opener)).toBe('JBSWY3DPEHPK3PXP')
    },
  )

  test('locks out users who enrolled under the old one, if it is dropped before the count is zero', () => {
    const id = randomUUID()
    const sealed = sealTotp('JBSWY3DPEHPK3PXP', id, [before.TOTP_KEY[0]])
    expect(() => openTotp(sealed, id, [after.TOTP_KEY[0]])).toThrow('TOTP_KEY')
  })
})

describe('PASSWORD_PEPPER', () => {
  const pool = createHashPool(fileURLToPath(new URL('../dist/hash-worker.cjs', import.meta.url)), { queueLimit: 64 })
  afterAll(() => pool.close())

  test.each(meetings(secrets('PASSWORD_PEPPER')))(
    'verifies what an instance a step apart hashed, meeting %#',
    async (hasher, checker) => {
      const stored = await createPasswords(pool, hasher, 4).hash('a long and honest password')
      const check = await createPasswords(pool, checker, 4).check('a long and honest password', stored)
      expect(check).toEqual({ matches: true, outdated: hasher[0] !== checker[0] })
    },
  )
})
