import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, expect, inject, test } from 'vitest'
import { connectRedis } from '../connect.ts'
import { LIFETIMES, liveSessionsContract } from '../contract/live-sessions.ts'
import { createLiveSessions } from './live-sessions.ts'

const { redis, close } = connectRedis(inject('redisUrl'))
afterAll(close)
const sessions = createLiveSessions(redis, LIFETIMES)

liveSessionsContract(sessions)

async function created() {
  const now = Date.parse('2026-03-01T12:00:00Z')
  const sid = randomBytes(16).toString('base64url')
  const absoluteExpiry = now + 86_400_000
  const session = { sid, userId: randomUUID(), deviceHash: 'd', amr: ['pwd'], authTime: now, absoluteExpiry }
  await sessions.create(session, now)
  return { sid, now }
}

test('a session key outlives its idle time by a minute, and its tombstone the absolute time by an hour', async () => {
  const { sid, now } = await created()
  const margin = 60_000
  for (const touch of [async () => {}, () => sessions.present({ sid, gen: 1, network: '192.0.2.1' }, now)]) {
    await touch()
    const ttlMs = await redis.pttl(`session:{${sid}}`)
    expect(ttlMs).toBeGreaterThan(LIFETIMES.idleSeconds * 1000)
    expect(ttlMs).toBeLessThanOrEqual(LIFETIMES.idleSeconds * 1000 + margin)
  }
  await sessions.revoke(sid, { reason: 'contained', at: now })
  const ttlMs = await redis.pttl(`session:{${sid}}:tomb`)
  expect(ttlMs).toBeGreaterThan(25 * 3_600_000 - 30_000)
  expect(ttlMs).toBeLessThanOrEqual(25 * 3_600_000)
})

test('a fork and the revocation of an unknown sid leave tombstones that end by themselves', async () => {
  const { sid, now } = await created()
  await sessions.present({ sid, gen: 99, network: '192.0.2.1' }, now)
  await sessions.revoke(`${sid}x`, { reason: 'contained', at: now })
  for (const key of [`session:{${sid}}:tomb`, `session:{${sid}x}:tomb`]) {
    const ttlMs = await redis.pttl(key)
    expect(ttlMs).toBeGreaterThan(25 * 3_600_000 - 30_000)
    expect(ttlMs).toBeLessThanOrEqual(25 * 3_600_000)
  }
})

test('a server that has forgotten its scripts is taught them again', async () => {
  const { sid, now } = await created()
  await redis.script('FLUSH')
  expect(await sessions.present({ sid, gen: 1, network: '192.0.2.1' }, now)).toMatchObject({ kind: 'live' })
})
