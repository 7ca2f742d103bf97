import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createStrangers } from './strangers.ts'

let redis: Redis
beforeAll(() => {
  redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: 0 })
})
afterAll(() => redis.quit())

const newSid = () => randomBytes(16).toString('base64url')
const stranger = { device: 'Firefox on Linux', ip: '203.0.113.4', at: 1 }
const until = Date.now() + 60_000

test('the first stranger of a session is kept', async () => {
  const [strangers, sid] = [createStrangers(redis), newSid()]
  await strangers.note(sid, stranger, until)
  await strangers.note(sid, { ...stranger, ip: '203.0.113.5' }, until)
  await createStrangers(redis).note(sid, { ...stranger, ip: '203.0.113.6' }, until)
  expect(await strangers.of(sid)).toEqual(stranger)
})

test('a stranger whom the store could not keep is noted at the next request', async () => {
  const [strangers, sid] = [createStrangers(redis), newSid()]
  const { set } = redis
  redis.set = () => Promise.reject(new Error('The store hung up.'))
  await expect(strangers.note(sid, stranger, until)).rejects.toThrow('hung up')
  redis.set = set
  await strangers.note(sid, stranger, until)
  expect(await strangers.of(sid)).toEqual(stranger)
})
