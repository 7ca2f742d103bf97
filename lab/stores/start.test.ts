import { randomUUID } from 'node:crypto'
import { TableClient } from '@azure/data-tables'
import { Redis } from 'ioredis'
import pg from 'pg'
import { expect, inject, test } from 'vitest'

test('the tests share a real PostgreSQL 18 in UTF-8 that sorts by bytes', async () => {
  const client = new pg.Client({ connectionString: inject('databaseUrl') })
  await client.connect()
  const { rows } = await client.query(`SELECT current_setting('server_version_num')::int / 10000 AS major,
    current_setting('server_encoding') AS encoding, 'B' < 'a' AS bytewise, inet_server_addr()::text AS address`)
  await client.end()
  expect(rows).toEqual([{ major: 18, encoding: 'UTF8', bytewise: true, address: '127.0.0.1/32' }])
})

test('the tests share a Redis that expires keys and runs scripts', async () => {
  const redis = new Redis(inject('redisUrl'))
  const key = `test:${randomUUID()}`
  const script = "redis.call('SET', KEYS[1], ARGV[1], 'PX', 60000) return redis.call('PTTL', KEYS[1])"
  const ttlMs = await redis.eval(script, 1, key, 'v')
  expect(ttlMs).toBeGreaterThan(59_000)
  expect(await redis.getdel(key)).toBe('v')
  redis.disconnect()
})

test('the tests share a table service that refuses a second insert of the same row', async () => {
  const name = `t${randomUUID().replaceAll('-', '')}`
  const table = TableClient.fromConnectionString(inject('tablesConnection'), name, { allowInsecureConnection: true })
  await table.createTable()
  await table.createEntity({ partitionKey: 'p', rowKey: 'r', n: 1 })
  await expect(table.createEntity({ partitionKey: 'p', rowKey: 'r', n: 2 })).rejects.toMatchObject({ statusCode: 409 })
  await table.deleteTable()
})

test('the table service refuses the well-known key of the emulator', async () => {
  const wellKnown = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='
  const forged = inject('tablesConnection').replace(/AccountKey=[^;]+/, `AccountKey=${wellKnown}`)
  const table = TableClient.fromConnectionString(forged, 'anything', { allowInsecureConnection: true })
  await expect(table.createTable()).rejects.toMatchObject({ statusCode: 403 })
})
