import { randomUUID } from 'node:crypto'
import { afterAll, expect, inject, test } from 'vitest'
import { connectRedis } from '../../../shared/stores/connect.ts'
import { createReplayCache } from '../../../shared/stores/redis/replay-cache.ts'
import { createAttempts } from './attempts.ts'
import { createBlockList } from './block-list.ts'
import { createContainmentCap } from './containment-cap.ts'
import { createPendingMfas } from './pending-mfas.ts'
import { createRecentSignIns } from './recent-sign-ins.ts'
import { redisStoresContract } from './stores-contract.ts'
import { createThrottle } from './throttle.ts'

const { redis, close } = connectRedis(inject('redisUrl'))
afterAll(close)

redisStoresContract(redis)

test('no key contains text of a client, and every key expires', async () => {
  const before = new Set(await redis.keys('*'))
  const canary = `canary-${randomUUID()}`
  const until = Date.now() + 60_000
  const pending = { userId: 'u', epoch: 1, deviceHash: 'd', loginEmail: 'a@example.com' }
  await createThrottle(redis).reserve([{ key: canary, limit: 5, windowSeconds: 60 }])
  await createReplayCache(redis).accept(canary, until)
  await createBlockList(redis).block(canary, { containmentId: 'c', until })
  await createPendingMfas(redis).create(canary, pending, 60)
  await createContainmentCap(redis).admit(
    canary,
    { subject: canary, source: canary },
    { subjects: 5, perSource: 5, windowMs: 60_000 },
    Date.now(),
  )
  const attempt = { password: canary, login: canary, origins: [canary], outcome: 'failed' } as const
  await createAttempts(redis).note(attempt, 60_000, 5, Date.now())
  await createRecentSignIns(redis).failed(canary, Date.now())
  await createRecentSignIns(redis).opened(canary, { sid: 's', userId: 'u', odd: true }, Date.now())
  const keys = (await redis.keys('*')).filter((key) => !before.has(key))
  expect(keys.length).toBeGreaterThanOrEqual(10)
  expect(keys.filter((key) => key.includes(canary))).toEqual([])
  for (const key of keys) expect(await redis.pttl(key), key).not.toBe(-1)
})

test('a token of a pending second factor is nowhere in the store', async () => {
  const [token, pending] = [randomUUID(), { userId: 'u', epoch: 1, deviceHash: 'd', loginEmail: 'a@example.com' }]
  await createPendingMfas(redis).create(token, pending, 60)
  const keys = await redis.keys('mfa:*')
  const values = await Promise.all(keys.map((key) => redis.hgetall(key)))
  expect(JSON.stringify([keys, values])).not.toContain(token)
})
