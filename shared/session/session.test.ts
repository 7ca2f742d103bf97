import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { labEnv } from '../../test/env.ts'
import { parseFunctionsConfig, type SigningKey } from '../config.ts'
import type { NewEvent } from '../event.ts'
import type { Presentation } from '../stores/port.ts'
import { localKeys, remoteKeys } from './keys.ts'
import { admit, recentlyAuthenticated, tokenExpiry } from './policy.ts'
import { presentSession } from './present.ts'
import { Sightings } from './sightings.ts'
import { type Claims, createIssuer, createVerifier, publicJwk } from './token.ts'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
const keyOf = (kid: string): SigningKey => ({ ...parseFunctionsConfig(labEnv()).SESSION_SIGNING_KEYS[0], kid })
const first = keyOf('k1')
const second = keyOf('k2')
const claims: Claims = {
  sub: randomUUID(),
  sid: 'A'.repeat(22),
  gen: 1,
  aud: 'api',
  amr: ['pwd'],
  acr: 'signed-in',
  auth_time: NOW / 1000,
  exp: NOW / 1000 + 60,
}

describe('a token', () => {
  it('is verified to the last millisecond and expired at the very instant, with its claims', async () => {
    const token = await createIssuer(first)(claims)
    const verify = createVerifier(localKeys([first]))
    expect(await verify(token, claims.exp * 1000 - 1)).toEqual({ kind: 'verified', claims })
    expect(await verify(token, claims.exp * 1000)).toEqual({ kind: 'expired', claims })
  })

  it('verifies under a published key after another key signs', async () => {
    const verify = createVerifier(localKeys([second, first]))
    expect((await verify(await createIssuer(first)(claims), NOW)).kind).toBe('verified')
    const dropped = createVerifier(localKeys([second]))
    expect(await dropped(await createIssuer(first)(claims), NOW)).toEqual({ kind: 'invalid', reason: 'unknown_key' })
  })

  it('leaves the cache when the keys change', async () => {
    const token = await createIssuer(first)(claims)
    let version = '1'
    let keys = localKeys([first])
    const verify = createVerifier({ find: (kid) => keys.find(kid), version: () => version })
    expect((await verify(token, NOW)).kind).toBe('verified')
    keys = localKeys([second])
    version = '2'
    expect((await verify(token, NOW)).kind).toBe('invalid')
  })

  it('is not verified again for a minute, and no longer', async () => {
    const token = await createIssuer(first)({ ...claims, exp: NOW / 1000 + 3600 })
    let asked = 0
    const keys = localKeys([first])
    const verify = createVerifier({
      version: keys.version,
      find: (kid) => {
        asked++
        return keys.find(kid)
      },
    })
    for (const at of [NOW, NOW + 59_999, NOW + 60_000]) await verify(token, at)
    expect(asked).toBe(2)
  })
})

describe('the keys of the other host', () => {
  const answers: Response[] = []
  let fetched = 0
  let now = NOW
  const source = () =>
    remoteKeys('http://functions/jwks', {
      now: () => now,
      warn: () => {},
      fetch: async () => {
        fetched++
        const answer = answers.shift()
        if (!answer) throw new Error('functions is down')
        return answer
      },
    })
  const set = (...keys: SigningKey[]) => Response.json({ keys: keys.map(publicJwk) })
  afterEach(() => {
    answers.length = 0
    fetched = 0
    now = NOW
  })

  it('are fetched when a token asks for one, once for all who ask at the same time', async () => {
    answers.push(set(first))
    const keys = source()
    expect(fetched).toBe(0)
    const found = await Promise.all([keys.find('k1'), keys.find('k1'), keys.find('nobody')])
    expect(found.map(Boolean)).toEqual([true, true, false])
    expect(fetched).toBe(1)
  })

  it('stay good while a refresh fails', async () => {
    answers.push(set(first))
    const keys = source()
    await keys.find('k1')
    now += 3_600_000
    expect(await keys.find('k1')).toBeDefined()
    await keys.find('nobody') // waits for the refresh that failed
    expect(await keys.find('k1')).toBeDefined()
    expect(fetched).toBeGreaterThan(1)
  })

  it('are required for a verdict: before the first read a token is neither accepted nor invalid', async () => {
    const verify = createVerifier(source())
    const token = await createIssuer(first)(claims)
    await expect(verify(token, NOW)).rejects.toThrow('no session keys')
    await expect(verify(token, NOW)).rejects.toThrow('no session keys')
    expect(fetched).toBe(1)
    now += 5_000
    answers.push(set(first))
    expect((await verify(token, NOW)).kind).toBe('verified')
  })

  it('are asked for again for an unknown one, not more often than every five seconds', async () => {
    answers.push(set(first), set(first), set(second, first))
    const keys = source()
    await keys.find('k1')
    for (let n = 0; n < 10; n++) await keys.find('k2')
    expect(fetched).toBe(1)
    now += 5_000
    expect(await keys.find('k2')).toBeUndefined()
    now += 5_000
    expect(await keys.find('k2')).toBeDefined()
    expect(keys.version()).toContain('k2')
  })

  it.each([Response.json({ keys: [] }), Response.json({}), new Response('x'), new Response('', { status: 500 })])(
    'are not replaced by an invalid answer',
    async (answer) => {
      answers.push(set(first), answer)
      const keys = source()
      await keys.find('k1')
      now += 5_000
      expect(await keys.find('k2')).toBeUndefined()
      expect(await keys.find('k1')).toBeDefined()
    },
  )
})

describe('policy', () => {
  it.each([
    ['a', 'a', 'refuse', 'accepted'],
    ['a', 'b', 'observe', 'accepted'],
    ['a', 'b', 'challenge', 'challenged'],
    ['a', 'b', 'refuse', 'refused'],
  ] as const)('for a session of %s from %s under %s is %s', (bound, presented, binding, admission) => {
    expect(admit(bound, presented, binding)).toBe(admission)
  })

  it('lets a credential change through until fifteen minutes after the password, and not at them', () => {
    expect(recentlyAuthenticated({ authTime: NOW }, NOW + 15 * 60_000 - 1)).toBe(true)
    expect(recentlyAuthenticated({ authTime: NOW }, NOW + 15 * 60_000)).toBe(false)
  })

  it('lets a token outlive the idle time before its renewal, and never the session', () => {
    const lifetimes = { idleSeconds: 3600, renewSeconds: 300 }
    expect(tokenExpiry({ absoluteExpiry: NOW + 1e9 }, lifetimes, NOW)).toBe((NOW + 3_900_000) / 1000)
    expect(tokenExpiry({ absoluteExpiry: NOW + 60_000 }, lifetimes, NOW)).toBe((NOW + 60_000) / 1000)
  })
})

describe('a session on another device', () => {
  const config = parseFunctionsConfig(labEnv())
  const client = { ip: '203.0.113.9', userAgent: 'curl/8', hints: {}, via: 'api' as const, requestId: randomUUID() }
  const session = {
    ...claims,
    userId: claims.sub,
    deviceHash: 'f'.repeat(32),
    authTime: NOW,
    absoluteExpiry: NOW + 1e9,
    createdAt: NOW,
    lastSeenAt: NOW,
    epoch: 1,
    via: 'api' as const,
    ip: '203.0.113.9',
    device: 'curl',
  }
  const present = async (binding: 'observe' | 'challenge' | 'refuse') => {
    const events: NewEvent[] = []
    const check = await presentSession(await createIssuer(first)(claims), client, {
      deviceKeys: config.DEVICE_HASH_KEY,
      lab: true,
      verifyToken: createVerifier(localKeys([first])),
      sessions: { present: async (): Promise<Presentation> => ({ kind: 'live', session, renewalDue: false }) },
      ledger: { find: async () => undefined, close: async () => true },
      sightings: new Sightings(),
      binding,
      emit: (event) => events.push(event),
      now: () => NOW,
    })
    return { kind: check.kind, events }
  }

  it.each([
    ['observe', 'accepted'],
    ['challenge', 'challenged'],
    ['refuse', 'refused'],
  ] as const)('under %s is %s, and seen all the same', async (binding, kind) => {
    expect(await present(binding)).toMatchObject({
      kind,
      events: [{ evt: 'session', outcome: 'seen', reason: kind, sid: session.sid }],
    })
  })
})
