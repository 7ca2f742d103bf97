import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadSecrets } from '../lab/start/secrets.ts'
import { startRedis } from '../lab/stores/redis.ts'
import { endAll } from '../shared/session/end.ts'
import {
  ABSOLUTE_SECONDS,
  everywhere,
  keepAsking,
  kindOf,
  kindsOf,
  many,
  twoHosts as openHosts,
  present,
  revoke,
  signIn,
  untilLive,
} from './hosts.ts'
import { portOf } from './port-of.ts'
import { type RedisServerProcess, startRedisServer, withoutRedisServer } from './redis-server.ts'

const down = () => Promise.reject(Object.assign(new Error('down'), { code: 'ECONNREFUSED' }))

let dir = ''
const closing: (() => Promise<void>)[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato-redis-'))
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await rm(dir, { recursive: true, force: true })
})

function twoHosts(url: string) {
  const hosts = openHosts(url)
  closing.push(hosts.close)
  return hosts
}

describe.skipIf(withoutRedisServer)('a Redis that was restarted', () => {
  let server: RedisServerProcess
  beforeEach(async () => {
    server = await startRedisServer(dir)
    closing.push(() => server.kill())
  })
  const restart = async () => {
    await server.kill()
    server = await startRedisServer(dir, server.port)
  }

  test('from a dump older than the revokes never lets a revoked user in, and lets everybody else in', async () => {
    const hosts = twoHosts(server.url)
    const [victims, bystanders] = [await many(10, hosts), await many(10, hosts)]
    expect(new Set(await everywhere(hosts, [...victims, ...bystanders]))).toEqual(new Set(['live']))
    await server.save()
    await Promise.all(victims.map((session, n) => revoke(session, n, hosts)))
    const stop = keepAsking(hosts, victims)
    await restart()
    await untilLive(hosts, bystanders)
    const answers = await stop()
    expect(kindsOf(answers)).toEqual(['revoked'])
    for (const [n, session] of victims.entries()) {
      const tombstone = { reason: 'contained', containmentId: `c-${n}` }
      expect(await present(hosts.hosts.web, session)).toMatchObject({ kind: 'revoked', tombstone })
      expect(await hosts.hosts.functions.tombstone(session.sid)).toMatchObject(tombstone)
      expect(await hosts.hosts.functions.read(session.sid, Date.now())).toBeUndefined()
    }
    expect(await signIn(hosts).then((session) => kindOf(hosts.hosts.web, session))).toBe('live')
  })

  test('is detected also by hosts that start afterwards', async () => {
    const hosts = twoHosts(server.url)
    const [victim, bystander] = [await signIn(hosts), await signIn(hosts)]
    await server.save()
    await revoke(victim, 1, hosts)
    await restart()
    for (const late of [hosts.again(), hosts.again(hosts.users)]) {
      expect(await kindOf(late, victim)).toBe('revoked')
      expect(await kindOf(late, bystander)).toBe('live')
    }
  })

  test('empty has no sessions, and the revoked ones are still answered as revoked', async () => {
    const hosts = twoHosts(server.url)
    const [victim, bystander] = [await signIn(hosts), await signIn(hosts)]
    await revoke(victim, 1, hosts)
    await restart()
    expect(await present(hosts.hosts.functions, victim)).toMatchObject({
      kind: 'revoked',
      tombstone: { containmentId: 'c-1' },
    })
    expect(new Set(await everywhere(hosts, [bystander]))).toEqual(new Set(['absent']))
  })

  test('from an older dump keeps every epoch, of changes and of containments', async () => {
    const hosts = twoHosts(server.url)
    const epochOf = async (reason: 'contained' | 'password_changed', openedBefore?: number) => {
      const user = { id: randomUUID(), email: `${randomUUID()}@example.com`, passwordHash: 'hash' }
      await hosts.users.create(user, new Date())
      const sessions = [await signIn(hosts, { userId: user.id }), await signIn(hosts, { userId: user.id })]
      return async () => {
        const at = Date.now()
        const why = { reason, ...(openedBefore !== undefined && { openedBefore }) }
        const epoch = (await hosts.users.bumpEpoch(user.id, why, new Date(at))) ?? 0
        // The ledger rows are left for the sweeper.
        const deps = { ...hosts, sessions: hosts.hosts.functions, ledger: { close: down } }
        const rest = { absoluteSeconds: ABSOLUTE_SECONDS, now: Date.now, warn: () => {} }
        await endAll(user.id, { ...why, epoch, at }, { ...deps, ...rest })
        return sessions
      }
    }
    const endings = [await epochOf('password_changed'), await epochOf('contained', Date.now() + 60_000)]
    const [spared] = [await epochOf('contained', Date.now() - 60_000)]
    await server.save()
    const ended = (await Promise.all(endings.map((end) => end()))).flat()
    const stop = keepAsking(hosts, ended)
    await restart()
    await untilLive(hosts, await spared())
    expect(kindsOf(await stop())).toEqual(['revoked'])
  })

  test('lets nobody in while the ledger cannot be read, and afterwards the live sessions', async () => {
    const hosts = twoHosts(server.url)
    const { ledger } = hosts
    const [victim, bystander] = [await signIn(hosts), await signIn(hosts)]
    await server.save()
    await revoke(victim, 1, hosts)
    const { find, endedPages } = ledger
    Object.assign(ledger, { find: down, endedPages: () => ({ [Symbol.asyncIterator]: () => ({ next: down }) }) })
    await restart()
    expect(new Set(await everywhere(hosts, [victim, bystander]))).toEqual(new Set(['no answer']))
    // The ended ones can be listed again, single rows not yet.
    Object.assign(ledger, { endedPages })
    expect(new Set(await everywhere(hosts, [victim]))).toEqual(new Set(['revoked']))
    expect(new Set(await everywhere(hosts, [bystander]))).toEqual(new Set(['no answer']))
    Object.assign(ledger, { find })
    await untilLive(hosts, [bystander])
    Object.assign(ledger, { find: down })
    expect(await kindOf(hosts.hosts.web, bystander)).toBe('live')
  })

  test('asks the ledger once for each session from before, however many requests there are', async () => {
    const hosts = twoHosts(server.url)
    const bystanders = await many(5, hosts)
    await server.save()
    await restart()
    const { find } = hosts.ledger
    const asked: string[] = []
    Object.assign(hosts.ledger, {
      find: (userId: string, sid: string) => {
        asked.push(sid)
        return find(userId, sid)
      },
    })
    const { functions } = hosts.hosts
    for (let round = 0; round < 3; round++) {
      const asking = bystanders.flatMap((session) => [kindOf(functions, session), kindOf(functions, session)])
      expect(new Set(await Promise.all(asking))).toEqual(new Set(['live']))
    }
    expect(asked.sort()).toEqual(bystanders.map(({ sid }) => sid).sort())
  })

  test('again while it is being compared is compared again', async () => {
    const hosts = twoHosts(server.url)
    const [victims, bystanders] = [await many(5, hosts), await many(5, hosts)]
    await server.save()
    await Promise.all(victims.map((session, n) => revoke(session, n, hosts)))
    const stop = keepAsking(hosts, victims)
    for (let times = 0; times < 3; times++) await restart()
    await untilLive(hosts, bystanders)
    expect(kindsOf(await stop())).toEqual(['revoked'])
  })

  test('accepts no session without a row of the ledger', async () => {
    const hosts = twoHosts(server.url)
    const session = await signIn(hosts)
    await server.save()
    Object.assign(hosts.ledger, { find: async () => undefined })
    await restart()
    expect(new Set(await everywhere(hosts, [session]))).toEqual(new Set(['absent']))
  })
})

/** An address behind which another server can be put. */
async function movingAddress(port: number) {
  const target = { port }
  const sockets = new Set<Socket>()
  const proxy = createServer((client) => {
    const upstream = connect(target.port, '127.0.0.1')
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
    }
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  const sever = () => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  closing.push(async () => {
    proxy.close()
    sever()
  })
  return {
    url: `redis://127.0.0.1:${portOf(proxy)}`,
    moveTo(next: number) {
      target.port = next
      sever()
    },
  }
}

describe.skipIf(withoutRedisServer)('a Redis that fails over', () => {
  test('to a replica that lacks the revokes lets no revoked user in', async () => {
    const [server, replica] = [
      await startRedisServer(dir),
      await startRedisServer(await mkdtemp(join(dir, 'replica-'))),
    ]
    closing.push(server.kill, replica.kill)
    const address = await movingAddress(server.port)
    const admin = new Redis(replica.port)
    closing.push(async () => admin.disconnect())
    const hosts = twoHosts(address.url)
    const [victims, bystanders] = [await many(10, hosts), await many(10, hosts)]
    await admin.replicaof('127.0.0.1', server.port)
    await expect.poll(async () => admin.info('replication'), { timeout: 10_000 }).toContain('master_link_status:up')
    await expect.poll(() => admin.exists('incarnation')).toBe(1)
    await admin.replicaof('NO', 'ONE')
    await Promise.all(victims.map((session, n) => revoke(session, n, hosts)))
    const stop = keepAsking(hosts, victims)
    address.moveTo(replica.port)
    await untilLive(hosts, bystanders)
    const answers = await stop()
    expect(answers.get('live')).toBeUndefined()
    expect(answers.get('revoked')).toBeGreaterThan(0)
    expect(await admin.get('incarnation')).toContain((await admin.info('server')).match(/run_id:(\w+)/)?.[1])
  })
})

describe.skipIf(withoutRedisServer)('a Redis that keeps running', () => {
  test('and gets an older state of its own ends the revoked sessions and keeps the others', async () => {
    const server = await startRedisServer(dir)
    closing.push(() => server.kill())
    const hosts = twoHosts(server.url)
    const [victims, bystanders] = [await many(10, hosts), await many(10, hosts)]
    expect(new Set(await everywhere(hosts, [...victims, ...bystanders]))).toEqual(new Set(['live']))
    await server.save()
    const copy = await mkdtemp(join(dir, 'copy-'))
    await copyFile(join(dir, 'dump.rdb'), join(copy, 'dump.rdb'))
    const older = await startRedisServer(copy)
    closing.push(() => older.kill())
    await Promise.all(victims.map((session, n) => revoke(session, n, hosts)))
    // Longer than the hosts wait before they look again.
    await delay(6_000)
    await everywhere(hosts, bystanders)
    const admin = new Redis(server.port)
    closing.push(async () => admin.disconnect())
    await admin.replicaof('127.0.0.1', older.port)
    await expect.poll(async () => admin.info('replication'), { timeout: 10_000 }).toContain('master_link_status:up')
    await admin.replicaof('NO', 'ONE')
    const out = () => everywhere(hosts, victims).then((kinds) => new Set(kinds))
    await expect.poll(out, { timeout: 15_000, interval: 200 }).toEqual(new Set(['revoked']))
    await untilLive(hosts, bystanders)
    expect(await out()).toEqual(new Set(['revoked']))
    expect(await signIn(hosts).then((session) => kindOf(hosts.hosts.web, session))).toBe('live')
  }, 60_000)
})

describe('the data in Redis', () => {
  test('that loses its mark is marked again, and its sessions are compared with the ledger', async () => {
    const store = await startRedis({ dir, secrets: await loadSecrets(dir), log: () => {} })
    closing.push(() => store.close())
    const admin = new Redis(store.connection)
    closing.push(async () => admin.disconnect())
    const before = twoHosts(store.connection)
    const [victim, bystander] = [await signIn(before), await signIn(before)]
    await before.ledger.close(victim.userId, victim.sid, { state: 'revoked', at: new Date(), reason: 'contained' })
    // In the incarnation that they were created in nobody asks the ledger.
    expect(new Set(await everywhere(before, [victim, bystander]))).toEqual(new Set(['live']))
    const mark = await admin.get('incarnation')
    await admin.del('incarnation')
    const later = before.again(before.users)
    expect(await kindOf(later, victim)).toBe('revoked')
    expect(await kindOf(later, bystander)).toBe('live')
    expect(await admin.get('incarnation')).not.toBe(mark)
  })
})
