import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import az, { type HttpHandler } from '@azure/functions'
import type { Redis } from 'ioredis'
import { createDeps, type FunctionsDeps } from '../functions/deps.ts'
import { routes } from '../functions/routes.ts'
import { removeAbandoned, removeLab } from '../lab/stores/remove.ts'
import { startStores } from '../lab/stores/start.ts'
import { parseFunctionsConfig } from '../shared/config.ts'
import { createLog } from '../shared/log.ts'
import { issueSession } from '../shared/session/issue.ts'
import { openSessions } from '../shared/session/open.ts'
import { lifetimesOf } from '../shared/session/policy.ts'
import { openRedis } from '../shared/stores/open.ts'
import { migrate } from '../shared/stores/postgres/migrate.ts'
import { labEnv } from '../test/env.ts'
import { alternate, type Comparison } from './rounds.ts'

const ROOT = join(import.meta.dirname, '..')
const PARENT = join(ROOT, '.lab', 'bench')
const CHECKS = 400
const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0'

/**
 * Measures a session check that reads the epoch of its user, against the same check without that read:
 * the handler of `GET /api/auth/session` in this process over real stores, one check after the other.
 */
export async function benchEpoch({ rounds, signal }: { rounds: number; signal: AbortSignal }): Promise<Comparison> {
  await removeAbandoned(PARENT)
  const dir = join(PARENT, `${process.pid}-${randomBytes(4).toString('hex')}`)
  const stores = await startStores({ dir })
  try {
    const { DATABASE_URL, REDIS_URL, TABLES_CONNECTION } = stores
    await migrate(DATABASE_URL)
    const config = parseFunctionsConfig({ ...labEnv(), DATABASE_URL, REDIS_URL, TABLES_CONNECTION })
    const unlessStopped = (work: () => Promise<number>) => () => {
      signal.throwIfAborted()
      return work()
    }
    const log = createLog({ service: 'bench', env: 'prod' }, { write: () => {} })
    const deps = createDeps(config, { hashWorker: join(ROOT, 'dist', 'hash-worker.cjs') }, log)
    const redis = openRedis(config)
    try {
      const token = await openSession(deps)
      const sessions = openSessions(withoutEpochs(redis.redis), lifetimesOf(config), { ...deps.auth, ...deps.stores })
      const asking = () => timeChecks(routes(deps).session?.handler, token)
      const silent = () =>
        timeChecks(routes({ ...deps, session: { ...deps.session, sessions } }).session?.handler, token)
      await Promise.all([asking(), silent()])
      const { a, b } = await alternate(rounds, unlessStopped(asking), silent)
      return {
        name: 'session check with the epoch over without',
        measured: { what: 'session check, in process', unit: 'ms', rounds: a },
        peer: { what: 'the same without asking for the epoch', unit: 'ms', rounds: b },
        bound: { atMost: 1.05 },
      }
    } finally {
      await redis.close()
      await deps.close()
    }
  } finally {
    await stores.close()
    await removeLab(dir)
  }
}

/** A connection whose scripts accept the epoch of every session without reading the user's. */
function withoutEpochs(redis: Redis): Redis {
  const silent = new Map<string, string>()
  const digestOf = (lua: string) => createHash('sha1').update(lua).digest('hex')
  const own = {
    async evalsha(digest: string, ...rest: (string | number)[]) {
      const known = silent.get(digest)
      if (known === undefined) throw Object.assign(new Error('NOSCRIPT No matching script.'), { name: 'ReplyError' })
      const [keys = 0, ...args] = rest
      return redis.evalsha(known, Number(keys), ...args)
    },
    async eval(lua: string, ...rest: (string | number)[]) {
      const without = lua
        .replaceAll(/bury\(session, ARGV\[\d+\]\)/g, 'nil')
        .replaceAll("'EXISTS', KEYS[2], KEYS[3]", "'EXISTS', KEYS[2]")
      silent.set(digestOf(lua), digestOf(without))
      const [keys = 0, ...args] = rest
      return redis.eval(without, Number(keys), ...args)
    },
  }
  return new Proxy(redis, {
    get(target, name) {
      if (name === 'evalsha' || name === 'eval') return own[name]
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

async function openSession(deps: FunctionsDeps): Promise<string> {
  const [userId, now] = [randomUUID(), new Date(deps.auth.now())]
  await deps.stores.users.create(
    { id: userId, email: 'bench@example.test', passwordHash: 'no password has this hash' },
    now,
  )
  const client = { ip: '203.0.113.9', userAgent: USER_AGENT, hints: {}, via: 'api' as const, requestId: randomUUID() }
  const epoch = (await deps.stores.users.readEpoch(userId)) ?? 0
  const actor = { client, deviceHash: 'd'.repeat(32) }
  const issued = await issueSession({ userId, epoch, amr: ['pwd'] }, actor, deps.auth)
  if (!issued) throw new Error('the session to check could not be opened')
  return issued.token
}

/** @returns mean milliseconds of one check */
async function timeChecks(handler: HttpHandler | undefined, token: string): Promise<number> {
  if (!handler) throw new Error('there is no handler of session checks')
  const context = new az.InvocationContext({ functionName: 'session', invocationId: randomUUID() })
  const headers = { 'user-agent': USER_AGENT, 'x-forwarded-for': '203.0.113.9:50000', authorization: `Bearer ${token}` }
  const began = performance.now()
  for (let check = 0; check < CHECKS; check++) {
    const request = new az.HttpRequest({ method: 'GET', url: 'http://localhost/api/auth/session', headers })
    const answer = new az.HttpResponse((await handler(request, context)) ?? {})
    if (answer.status !== 200) throw new Error(`a session check was answered ${answer.status}`)
  }
  return (performance.now() - began) / CHECKS
}
