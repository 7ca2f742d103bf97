import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { connectPostgres, connectRedis, connectTables } from './connect.ts'

/** Takes connections and says nothing, as a store behind a broken network does. */
const sockets = new Set<Socket>()
const silent = createServer((socket) => {
  sockets.add(socket)
  socket.on('error', () => {})
})
let port = 0
beforeAll(async () => {
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  port = (silent.address() as AddressInfo).port
})
afterAll(() => {
  for (const socket of sockets) socket.destroy()
  silent.close()
})

const tablesAt = (to: number) => inject('tablesConnection').replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${to}`)
const stores = {
  postgres: {
    live: () => connectPostgres(inject('databaseUrl')),
    at: (to: number) => connectPostgres(`postgres://u:canary-password@127.0.0.1:${to}/d`),
  },
  redis: {
    live: () => connectRedis(inject('redisUrl')),
    at: (to: number) => connectRedis(`redis://:canary-password@127.0.0.1:${to}`),
  },
  tables: { live: () => connectTables(inject('tablesConnection')), at: (to: number) => connectTables(tablesAt(to)) },
} as const
const names = Object.keys(stores) as (keyof typeof stores)[]

test.each(names)('%s that is there answers a ping, and is closed', async (name) => {
  const connection = stores[name].live()
  await connection.ping()
  await connection.close()
})

test.each(names)('%s that refuses connections is an error within 3 s, without its password', async (name) => {
  const connection = stores[name].at(1)
  const started = performance.now()
  const error = await connection.ping().then(
    () => undefined,
    (thrown: Error) => thrown,
  )
  expect(error).toBeInstanceOf(Error)
  expect(performance.now() - started).toBeLessThan(3000)
  expect(`${error?.message} ${error?.stack}`).not.toContain('canary')
  await connection.close()
})

test.each(names)('%s that takes connections and never answers is an error within 3 s', async (name) => {
  const connection = stores[name].at(port)
  const started = performance.now()
  await expect(connection.ping()).rejects.toThrow()
  expect(performance.now() - started).toBeLessThan(3000)
  await connection.close()
})

test('a Redis that cannot be reached tells its listener why', async () => {
  const errors: Error[] = []
  const { redis, close } = connectRedis('redis://127.0.0.1:1', { onError: (error) => errors.push(error) })
  await expect(redis.get('x')).rejects.toThrow()
  await close()
  expect(errors[0]).toMatchObject({ code: 'ECONNREFUSED' })
})
