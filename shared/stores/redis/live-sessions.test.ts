import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, expect, inject, test } from 'vitest'
import { connectRedis } from '../connect.ts'
import { LIFETIMES, liveSessionsContract } from '../contract/live-sessions.ts'
import { createLiveSessions } from './live-sessions.ts'

const { redis, close } = connectRedis(inject('redisUrl'))
afterAll(close)
const sessions = createLiveSessions(redis, LIFETIMES)
const USER = randomUUID()

liveSessionsContract(sessions)

async function created() {
  const now = Date.parse('2026-03-01T12:00:00Z')
  const sid = randomBytes(16).toString('base64url')
  const absoluteExpiry = now + 86_400_000
  await sessions.create(
    {
      sid,
      userId: USER,
      deviceHash: 'd',
      amr: ['pwd'],
      acr: 'signed-in',
      authTime: now,
      absoluteExpiry,
      epoch: 1,
      via: 'web',
      ip: '192.0.2.1',
      device: 'Firefox on Linux',
    },
    now,
  )
  return { sid, now }
}

test('a session key outlives its idle time by a minute, and its tombstone the absolute time by an hour', async () => {
  const { sid, now } = await created()
  const margin = 60_000
  for (const touch of [
    async () => {},
    () => sessions.present({ sid, userId: USER, gen: 1, network: '192.0.2.1' }, now),
  ]) {
    await touch()
    const ttlMs = await redis.pttl(`session:{${USER}}:${sid}`)
    expect(ttlMs).toBeGreaterThan(LIFETIMES.idleSeconds * 1000)
    expect(ttlMs).toBeLessThanOrEqual(LIFETIMES.idleSeconds * 1000 + margin)
  }
  await sessions.revoke(sid, { reason: 'contained', at: now })
  const ttlMs = await redis.pttl(`session:{${USER}}:${sid}:tomb`)
  expect(ttlMs).toBeGreaterThan(25 * 3_600_000 - 30_000)
  expect(ttlMs).toBeLessThanOrEqual(25 * 3_600_000)
})

test('a fork and the revocation of an unknown sid leave tombstones that end by themselves', async () => {
  const { sid, now } = await created()
  await sessions.present({ sid, userId: USER, gen: 99, network: '192.0.2.1' }, now)
  await sessions.revoke(`${sid}x`, { reason: 'contained', at: now })
  for (const key of [`session:{${USER}}:${sid}:tomb`, `sid:${sid}x`]) {
    const ttlMs = await redis.pttl(key)
    expect(ttlMs).toBeGreaterThan(25 * 3_600_000 - 30_000)
    expect(ttlMs).toBeLessThanOrEqual(25 * 3_600_000)
  }
})

test('the index of a user and what ended his sessions end by themselves, one slot of a cluster for both', async () => {
  const { now } = await created()
  const [index, epoch] = [`user:{${USER}}:sessions`, `user:{${USER}}:ended`]
  await sessions.raiseEpoch(USER, { epoch: 2, reason: 'contained', at: now }, Date.now() + 86_400_000)
  const ttls = [await redis.pttl(index), await redis.pttl(epoch)]
  for (const ttlMs of ttls) {
    expect(ttlMs).toBeGreaterThan(86_400_000 - 30_000)
    expect(ttlMs).toBeLessThanOrEqual(86_400_000 + 60_000)
  }
  await redis.del(epoch)
})

test('a server that has forgotten its scripts is taught them again', async () => {
  const { sid, now } = await created()
  await redis.script('FLUSH')
  expect(await sessions.present({ sid, userId: USER, gen: 1, network: '192.0.2.1' }, now)).toMatchObject({
    kind: 'live',
  })
})

test('unreadable facts are not a session, and the others are still listed', async () => {
  const [one, other] = [await created(), await created()]
  const listed = async () => (await sessions.listByUser(USER, one.now)).map(({ sid }) => sid)
  for (const facts of ['{', '{}', 'null', '[]']) {
    await redis.hset(`session:{${USER}}:${other.sid}`, 'facts', facts)
    expect(await listed()).toContain(one.sid)
    expect(await listed()).not.toContain(other.sid)
    const use = { sid: other.sid, userId: USER, gen: 1, network: '203.0.113.9' }
    expect(await sessions.present(use, other.now)).toEqual({ kind: 'absent' })
    await redis.zadd(`user:{${USER}}:sessions`, one.now + 86_400_000, other.sid)
  }
})
