import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, test } from 'vitest'
import { redisStoresContract } from '../functions/stores/redis/stores-contract.ts'
import { freePort } from '../lab/processes/ports.ts'
import { connectRedis } from '../shared/stores/connect.ts'
import { LIFETIMES, liveSessionsContract } from '../shared/stores/contract/live-sessions.ts'
import { createLiveSessions } from '../shared/stores/redis/live-sessions.ts'
import { keepAsking, kindsOf, many, revoke, twoHosts, untilLive } from './hosts.ts'
import { type RedisServerProcess, startRedisServer, withoutRedisServer } from './redis-server.ts'

const SLOTS = 16_384
const NODES = 3

const nodes: { dir: string; busPort: number; server: RedisServerProcess }[] = []
const closing: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const startNode = (dir: string, busPort: number, port = 0) =>
  startRedisServer(dir, port, [
    ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-port', String(busPort)],
  ])

async function asAdmin<T>({ port }: RedisServerProcess, work: (admin: Redis) => Promise<T>): Promise<T> {
  const admin = new Redis(port)
  try {
    return await work(admin)
  } finally {
    admin.disconnect()
  }
}
const isWhole = () =>
  Promise.all(
    nodes.map(({ server }) =>
      asAdmin(server, async (admin) => {
        const info = String(await admin.cluster('INFO'))
        return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${NODES}`)
      }),
    ),
  ).then((whole) => whole.every(Boolean))
const untilWhole = () => expect.poll(isWhole, { timeout: 30_000, interval: 100 }).toBe(true)

if (!withoutRedisServer) {
  const parent = await mkdtemp(join(tmpdir(), 'ato-cluster-'))
  closing.push(() => rm(parent, { recursive: true, force: true }))
  for (let n = 0; n < NODES; n++) {
    const dir = join(parent, String(n))
    await mkdir(dir)
    // Its usual one is 10,000 above the other, where there may be none.
    const busPort = await freePort()
    nodes.push({ dir, busPort, server: await startNode(dir, busPort) })
  }
  closing.push(async () => {
    await Promise.all(nodes.map(({ server }) => server.kill()))
  })
  const [first] = nodes
  for (const [n, { server }] of nodes.entries()) {
    const [from, to] = [Math.floor((n * SLOTS) / NODES), Math.floor(((n + 1) * SLOTS) / NODES) - 1]
    await asAdmin(server, (admin) => admin.call('CLUSTER', 'ADDSLOTSRANGE', from, to))
    await asAdmin(server, (admin) =>
      admin.call('CLUSTER', 'MEET', '127.0.0.1', first?.server.port ?? 0, first?.busPort ?? 0),
    )
  }
}

const urlOf = (first: number) =>
  [first, (first + 1) % NODES].map((n) => nodes[n]?.server.url ?? 'redis://127.0.0.1:1').join()

describe.skipIf(withoutRedisServer)('over a cluster of three nodes', () => {
  test('every node serves its part', untilWhole)

  const { redis, close, ping } = connectRedis(urlOf(0))
  closing.push(close)
  liveSessionsContract(createLiveSessions(redis, LIFETIMES))
  redisStoresContract(redis)

  test('readiness is asked', async () => {
    await ping()
  })

  test('each node holds some of the keys', async () => {
    for (const { server } of nodes) expect(await asAdmin(server, (admin) => admin.dbsize())).toBeGreaterThan(20)
  })

  test('one node that is named leads to the others', async () => {
    const alone = connectRedis(nodes[2]?.server.url ?? '', { cluster: true })
    closing.push(alone.close)
    await Promise.all(Array.from({ length: 30 }, (_, n) => alone.redis.set(`key-${n}`, n, 'PX', 60_000)))
    const values = await Promise.all(Array.from({ length: 30 }, (_, n) => alone.redis.get(`key-${n}`)))
    expect(values).toEqual(Array.from({ length: 30 }, (_, n) => String(n)))
  })

  test('a node that is restored from a dump older than the revokes lets no revoked user in', async () => {
    const hosts = twoHosts(urlOf(1))
    closing.push(hosts.close)
    const [victims, bystanders] = [await many(12, hosts), await many(12, hosts)]
    await Promise.all(nodes.map(({ server }) => server.save()))
    await Promise.all(victims.map((session, n) => revoke(session, n, hosts)))
    const stop = keepAsking(hosts, victims)
    for (const node of nodes) {
      await node.server.kill()
      node.server = await startNode(node.dir, node.busPort, node.server.port)
      await untilWhole()
      await untilLive(hosts, bystanders)
    }
    expect(kindsOf(await stop())).toEqual(['revoked'])
  }, 120_000)
})
