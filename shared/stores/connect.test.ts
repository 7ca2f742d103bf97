import { randomUUID } from 'node:crypto'
import { describe, expect, inject, test } from 'vitest'
import { addressIn, type FaultProxy, httpAnswer, redisAnswer, startProxy, through } from '../../test/faults/proxy.ts'
import { withBudget } from '../bounded.ts'
import { connectPostgres, connectRedis, connectTables } from './connect.ts'
import { CONFLICT, NOT_FOUND, unless } from './tables/entity.ts'
import { StoreUnavailable } from './unavailable.ts'

/** Each store by way of a proxy, with one thing that reads and one that writes. */
const stores = {
  postgres: (url: string) => {
    const { pool, ...connection } = connectPostgres(url)
    const write = () => pool.query("SELECT pg_notify('nobody', 'x')")
    return { ...connection, read: () => pool.query('SELECT 1'), write }
  },
  redis: (url: string) => {
    const { redis, ...connection } = connectRedis(url)
    const write = () => redis.eval("return redis.call('SET', KEYS[1], '1', 'PX', 60000)", 1, `limits:${randomUUID()}`)
    return { ...connection, read: () => redis.get('limits'), write }
  },
  tables: (url: string) => {
    const { tables, ...connection } = connectTables(url)
    const table = () => tables.open('limits')
    const write = async () => (await table()).createEntity({ partitionKey: 'p', rowKey: randomUUID() })
    const read = async () => void (await unless([NOT_FOUND], (await table()).getEntity('p', 'none')))
    return { ...connection, read, write }
  },
} as const
type Name = keyof typeof stores
type Store = Awaited<ReturnType<(typeof stores)[Name]>>
const names: readonly Name[] = ['postgres', 'redis', 'tables']
const urlOf = (name: Name) =>
  inject(({ postgres: 'databaseUrl', redis: 'redisUrl', tables: 'tablesConnection' } as const)[name])

/** A store in use by way of a proxy of its own. */
async function using(name: Name, work: (store: Store, proxy: FaultProxy) => Promise<void>): Promise<void> {
  const proxy = await startProxy(addressIn(urlOf(name)))
  const store = stores[name](through(urlOf(name), proxy))
  try {
    await store.read()
    await work(store, proxy)
  } finally {
    await store.close()
    await proxy.close()
  }
}

const faultOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )
async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const startedAt = performance.now()
  const value = await work()
  return [value, performance.now() - startedAt]
}
/** Until the store answers again. @throws after three seconds */
async function untilBack(work: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + 3_000
  for (;;) {
    const fault = await faultOf(work())
    if (fault === undefined) return
    if (performance.now() > until) throw fault
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const PAGE = '<html><body>Welcome to nginx</body></html>'
const JSON_BODY = { 'content-type': 'application/json;odata=minimalmetadata' }
const OF_SERVICE = { ...JSON_BODY, 'x-ms-version': '2019-02-02' }
const ODATA_ERROR = '{"odata.error":{"code":"InternalError","message":{"lang":"en-US","value":"canary"}}}'
const answers: [Name, string, (proxy: FaultProxy) => Promise<void>][] = [
  ...names.flatMap((name): [Name, string, (proxy: FaultProxy) => Promise<void>][] => [
    [name, 'refuses connections', (proxy) => proxy.refuse()],
    [name, 'takes connections and says nothing', (proxy) => proxy.hang()],
    [name, 'is slow by 2,500 ms each way', (proxy) => proxy.slow(2_500)],
    [name, 'has every connection cut', (proxy) => proxy.cut()],
    [name, 'is a web page', (proxy) => proxy.answer(httpAnswer(200, { 'content-type': 'text/html' }, PAGE))],
  ]),
  ...[
    "-OOM command not allowed when used memory > 'maxmemory'.",
    '-MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk.',
    '-LOADING Redis is loading the dataset in memory',
    "-READONLY You can't write against a read only replica.",
    '-CLUSTERDOWN The cluster is down',
    '-NOAUTH Authentication required.',
    "-ERR Error running script (call to f_1): @user_script:9: -OOM command not allowed when used memory > 'maxmemory'.",
    '-ERR max number of clients reached',
  ].map((line): [Name, string, (proxy: FaultProxy) => Promise<void>] => [
    'redis',
    `says ${line.slice(1, 40)}`,
    (proxy) => proxy.answer(redisAnswer(line)),
  ]),
  ...(
    [
      ['500 with a JSON body', 500, OF_SERVICE, ODATA_ERROR],
      ['503 with a JSON body', 503, OF_SERVICE, ODATA_ERROR],
      ['429 with a JSON body', 429, JSON_BODY, ODATA_ERROR],
      ['503 with Retry-After 120', 503, { ...OF_SERVICE, 'retry-after': '120' }, ODATA_ERROR],
      ['403', 403, OF_SERVICE, ODATA_ERROR],
      ['a redirect', 302, { location: 'http://127.0.0.1:1/elsewhere' }, ''],
      ['a page that says 404', 404, { 'content-type': 'text/html' }, PAGE],
      ['JSON of something else that says 404', 404, JSON_BODY, '{"message":"no route"}'],
      ['JSON that is cut', 200, OF_SERVICE, '{"value":[{"PartitionKey":"p","Row'],
      ['nothing at all', 200, OF_SERVICE, ''],
    ] as const
  ).map(([what, status, headers, body]): [Name, string, (proxy: FaultProxy) => Promise<void>] => [
    'tables',
    `answers with ${what}`,
    (proxy) => proxy.answer(httpAnswer(status, headers, body)),
  ]),
]

test.concurrent.each(answers)(
  '%s that %s is unavailable, soon and by name, and is used again once it answers',
  async (name, _, become) => {
    await using(name, async (store, proxy) => {
      await become(proxy)
      for (const work of [store.write, store.read, store.ping]) {
        const [fault, tookMs] = await timed(() => faultOf(work()))
        expect(fault).toBeInstanceOf(StoreUnavailable)
        expect(fault).toMatchObject({ store: name, retryAfterSeconds: expect.any(Number) })
        expect(tookMs).toBeLessThan(2_700)
      }
      await proxy.pass()
      await untilBack(store.write)
      await store.ping()
    })
  },
)

test.each(names)('%s that refuses connections is an error without its password', async (name) => {
  const url = {
    postgres: 'postgres://u:canary-password@127.0.0.1:1/d',
    redis: 'redis://:canary-password@127.0.0.1:1',
    tables: inject('tablesConnection').replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1'),
  }[name]
  const store = stores[name](url)
  const error = await faultOf(store.ping())
  const key = /AccountKey=([^;]+)/.exec(url)?.[1] ?? 'canary'
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    expect(`${cause.message} ${cause.stack}`).not.toContain(key)
  }
  expect(error).toBeInstanceOf(StoreUnavailable)
  await store.close()
})

test.each(names)('%s that does not answer is not asked for a moment after five calls, and then once', async (name) => {
  await using(name, async (store, proxy) => {
    await proxy.hang()
    await Promise.all([1, 2, 3, 4, 5].map(() => faultOf(store.read())))
    const [fault, tookMs] = await timed(() => faultOf(store.read()))
    expect(fault).toMatchObject({ store: name, since: expect.any(Date) })
    expect(tookMs).toBeLessThan(100)
    await new Promise((resolve) => setTimeout(resolve, 800))
    const took = await Promise.all([1, 2, 3].map(() => timed(() => faultOf(store.read()))))
    expect(took.filter(([, ms]) => ms > 1_000)).toHaveLength(1)
  })
})

test.each(names)('%s is asked within the budget of the request, in however many calls', async (name) => {
  await using(name, async (store, proxy) => {
    await proxy.hang()
    const [, tookMs] = await timed(() =>
      withBudget(600, async () => {
        for (let calls = 0; calls < 5; calls++) expect(await faultOf(store.read())).toBeInstanceOf(StoreUnavailable)
      }),
    )
    expect(tookMs).toBeGreaterThan(500)
    expect(tookMs).toBeLessThan(1_000)
    // Limits of our own making say nothing of the store.
    await proxy.pass()
    await store.read()
  })
})

describe('an answer of a store about the request', () => {
  test('is an answer: it is thrown unchanged, and never opens the breaker', async () => {
    await using('redis', async (store) => {
      const { redis, close } = connectRedis(urlOf('redis'))
      const key = `limits:${randomUUID()}`
      await redis.set(key, 'text', 'PX', 60_000)
      for (let times = 0; times < 8; times++) {
        const fault = await faultOf(redis.hgetall(key))
        expect(fault).not.toBeInstanceOf(StoreUnavailable)
        expect(fault).toMatchObject({ message: expect.stringContaining('WRONGTYPE') })
      }
      expect(await redis.get(key)).toBe('text')
      await close()
      await store.read()
    })
    const { pool, close } = connectPostgres(urlOf('postgres'))
    for (let times = 0; times < 8; times++) {
      expect(await faultOf(pool.query('SELECT 1/0'))).toMatchObject({ code: '22012' })
      expect(await faultOf(pool.query('SELECT $1::text', ['\0']))).toMatchObject({ code: '22021' })
    }
    await pool.query('SELECT 1')
    await close()
    const { tables } = connectTables(urlOf('tables'))
    const table = await tables.open('limits')
    const entity = { partitionKey: 'p', rowKey: randomUUID() }
    await table.createEntity(entity)
    for (let times = 0; times < 8; times++) {
      expect(await unless([CONFLICT], table.createEntity(entity))).toBe(false)
      const stale = table.updateEntity({ ...entity, x: 1 }, 'Replace', { etag: 'W/"1"' })
      expect(await faultOf(stale)).toMatchObject({ statusCode: 412 })
    }
    await table.getEntity('p', entity.rowKey)
  })

  test('includes rows by a filter that take too long', async () => {
    await using('tables', async (store, proxy) => {
      const { tables, close } = connectTables(through(urlOf('tables'), proxy))
      const table = await tables.open('limits')
      await proxy.answer((chunk) => (/^GET \S+\(\)/.test(chunk.toString()) ? '' : undefined))
      const scans = [1, 2, 3, 4, 5, 6].map(() => faultOf(table.listEntities().next()))
      for (const fault of await Promise.all(scans)) expect(fault).toBeInstanceOf(StoreUnavailable)
      await unless([NOT_FOUND], table.getEntity('p', 'none'))
      await close()
      await store.read()
    })
  })

  test('does not include a missing table: it is created again', async () => {
    const { tables, close } = connectTables(urlOf('tables'), { prefix: 'gone' })
    const table = await tables.open('limits')
    await table.createEntity({ partitionKey: 'p', rowKey: 'here' })
    await table.deleteTable()
    expect(await faultOf(unless([NOT_FOUND], table.getEntity('p', 'here')))).toBeInstanceOf(StoreUnavailable)
    const again = await tables.open('limits')
    expect(await unless([NOT_FOUND], again.getEntity('p', 'here'))).toBe(false)
    await again.deleteTable()
    await close()
  })

  test('includes a statement that the server itself gave up: the server is there', async () => {
    const { pool, close } = connectPostgres(urlOf('postgres'))
    const slow = () => faultOf(pool.query('SELECT pg_sleep(5)'))
    const faults = await Promise.all([1, 2, 3, 4, 5, 6].map(slow))
    for (const fault of faults) expect(fault).toMatchObject({ store: 'postgres', cause: { code: '57014' } })
    await pool.query('SELECT 1')
    await close()
  })
})

describe('a fault that passes within one call', () => {
  test('is tried again if the command was not carried out, or changes nothing', async () => {
    await using('tables', async (store, proxy) => {
      let answered = 0
      const busy = httpAnswer(503, { ...OF_SERVICE, 'retry-after': '1' }, ODATA_ERROR)
      await proxy.answer((chunk) => (answered++ === 0 ? busy(chunk) : undefined))
      const [, tookMs] = await timed(store.write)
      expect(tookMs).toBeGreaterThanOrEqual(1_000)
    })
    await using('redis', async (store, proxy) => {
      await proxy.cut()
      const reading = store.read()
      setTimeout(() => void proxy.pass(), 150)
      await reading
    })
  })

  test('is not tried again by a Retry-After that is longer than the call may take', async () => {
    await using('tables', async (store, proxy) => {
      const busy = httpAnswer(503, { ...OF_SERVICE, 'retry-after': '30' }, ODATA_ERROR)
      await proxy.answer(busy)
      const [fault, tookMs] = await timed(() => faultOf(store.read()))
      expect(fault).toMatchObject({ store: 'tables', retryAfterSeconds: 30 })
      expect(tookMs).toBeLessThan(500)
    })
  })

  test('is not tried again for what may have been carried out', async () => {
    await using('redis', async (store, proxy) => {
      let sent = 0
      await proxy.answer((chunk) => {
        if (!chunk.includes('EVAL') && !chunk.includes('eval')) return undefined
        sent++
        setTimeout(() => void proxy.cut().then(proxy.pass), 20)
        return ''
      })
      expect(await faultOf(store.write())).toBeInstanceOf(StoreUnavailable)
      await untilBack(store.read)
      expect(sent).toBe(1)
    })
    await using('tables', async (store, proxy) => {
      let sent = 0
      await store.write()
      await proxy.answer((chunk) => {
        sent++
        return httpAnswer(500, OF_SERVICE, ODATA_ERROR)(chunk)
      })
      expect(await faultOf(store.write())).toBeInstanceOf(StoreUnavailable)
      expect(sent).toBe(1)
    })
  })

  test('a command whose time is over is not sent when the connection is back', async () => {
    const proxy = await startProxy(addressIn(urlOf('redis')))
    const { redis, close } = connectRedis(through(urlOf('redis'), proxy))
    const key = `limits:${randomUUID()}`
    await redis.get(key)
    await proxy.refuse()
    const late = await withBudget(300, () => faultOf(redis.incr(key)))
    expect(late).toBeInstanceOf(StoreUnavailable)
    await proxy.pass()
    await untilBack(() => redis.get(key))
    expect(await redis.get(key)).toBeNull()
    await close()
    await proxy.close()
  })
})

test('a reply that was lost on the way leaves no command with the reply to another one', async () => {
  const proxy = await startProxy(addressIn(urlOf('redis')))
  const { redis, close } = connectRedis(through(urlOf('redis'), proxy))
  const [one, two] = [`limits:${randomUUID()}`, `limits:${randomUUID()}`]
  await Promise.all([redis.set(one, 'one', 'PX', 60_000), redis.set(two, 'two', 'PX', 60_000)])
  await proxy.answer(() => '')
  expect(await faultOf(redis.get(one))).toBeInstanceOf(StoreUnavailable)
  await proxy.pass()
  await untilBack(() => redis.get(two))
  expect(await Promise.all([redis.get(two), redis.get(one), redis.get(two)])).toEqual(['two', 'one', 'two'])
  await close()
  await proxy.close()
})

test('a Redis that cannot be reached reports the cause to its listener', async () => {
  const errors: Error[] = []
  const { redis, close } = connectRedis('redis://127.0.0.1:1', { onError: (error) => errors.push(error) })
  await expect(redis.get('x')).rejects.toThrow(StoreUnavailable)
  await close()
  expect(errors[0]).toMatchObject({ code: 'ECONNREFUSED' })
})
