import { raiseAlarm } from '../alarm.ts'
import type { Fault } from '../drill.ts'
import { countKeptOut, gather, measure } from '../drill.ts'
import { freeze } from '../processes.ts'
import type { FaultProxy } from '../proxy.ts'
import { drilled, type Group, type Scenario } from '../scenario.ts'
import { SPACING, type Stage, wait } from '../stage.ts'

const paused: Fault = (stage) => freeze(stage.redis.pid)

const proxied =
  (begin: (proxy: FaultProxy) => Promise<void>): Fault =>
  async ({ proxies }) => {
    await begin(proxies.redis)
    return proxies.redis.pass
  }

/** Resets every connection to Redis again and again. */
const cutOften: Fault = ({ proxies, random, signal }) => {
  const stop = new AbortController()
  const running = (async () => {
    while (!stop.signal.aborted && !signal.aborted) {
      await wait(20 + random.int(60), stop.signal).catch(() => {})
      proxies.redis.reset()
    }
  })()
  return async () => {
    stop.abort()
    await running
  }
}

/** Pauses something for three seconds, goes on for as long, and so on. */
export const nowAndThen =
  (pause: (stage: Stage) => Promise<() => Promise<void>>, pauseMs = 3000): Fault =>
  (stage) => {
    const stop = new AbortController()
    const running = (async () => {
      while (!stop.signal.aborted) {
        const goOn = await pause(stage)
        await wait(pauseMs, stop.signal).catch(() => {})
        await goOn()
        await wait(1000 + stage.random.int(2000), stop.signal).catch(() => {})
      }
    })()
    return async () => {
      stop.abort()
      await running
    }
  }

const slow = (ms: number): Scenario =>
  drilled({
    name: `redis-slow-${ms}`,
    fault: `Redis slow by ${ms} ms each way`,
    injected: 'proxy',
    seconds: 8,
    begin: proxied((proxy) => proxy.slow(ms)),
  })

export const redis: Group = {
  name: 'redis',
  scenarios: [
    drilled({
      name: 'redis-paused-10',
      fault: 'Redis paused for 10 s',
      injected: 'SIGSTOP',
      seconds: 10,
      begin: paused,
    }),
    drilled({
      name: 'redis-paused-often',
      fault: 'Redis paused for 3 s now and then',
      injected: 'SIGSTOP',
      victims: 60,
      seconds: 14,
      begin: nowAndThen((stage) => freeze(stage.redis.pid)),
    }),
    slow(900),
    slow(1900),
    ...(['web', 'functions'] as const).map((host) =>
      drilled({
        name: `redis-away-${host}`,
        fault: `Redis hangs for ${host} alone, 8 s`,
        injected: `proxy between ${host} and Redis`,
        seconds: 8,
        async begin({ proxies }) {
          await proxies.redisOf[host].hang()
          return proxies.redisOf[host].pass
        },
      }),
    ),
    drilled({
      name: 'redis-refuses',
      fault: 'Redis refuses connections for 4 s',
      injected: 'proxy',
      seconds: 4,
      begin: proxied((proxy) => proxy.refuse()),
    }),
    drilled({
      name: 'redis-cut',
      fault: 'connections to Redis cut every 20 to 80 ms',
      injected: 'proxy',
      seconds: 6,
      begin: cutOften,
    }),
  ],
}

/** Sixty seconds without Redis, in a lab of its own: the other faults need not wait for it. */
export const redisAway: Group = {
  name: 'redis-away',
  realPeriod: true,
  scenarios: [
    drilled({
      name: 'redis-paused-60',
      fault: 'Redis paused for 60 s',
      injected: 'SIGSTOP',
      seconds: 60,
      begin: paused,
      remark: 'real period',
    }),
  ],
}

type Facts = Pick<Scenario, 'name' | 'fault' | 'injected'>
type Crowd = Awaited<ReturnType<typeof gather>>

/** A fault of the server itself. The sender of alerts tries six times. */
const onServer = (facts: Facts, run: (stage: Stage, crowd: Crowd) => ReturnType<Scenario['run']>): Scenario => ({
  ...facts,
  needs: ['redis-server'],
  async run(stage, usual) {
    const crowd = await gather(stage, usual)
    stage.sender.retrySpacingMs = SPACING[6] ?? []
    return run(stage, crowd)
  },
})

/** The server loses everything shortly after the alerts. */
const emptied = (facts: Facts, empty: (stage: Stage) => Promise<void>): Scenario =>
  onServer(facts, async (stage, crowd) => {
    await raiseAlarm(stage, crowd.victims)
    await wait(200, stage.signal)
    await empty(stage)
    return signedOut(stage, crowd)
  })

/** Faults of the server itself. */
export const redisServer: Group = {
  name: 'redis-server',
  scenarios: [
    drilled({
      name: 'redis-full',
      fault: 'Redis full, `noeviction`',
      injected: '`maxmemory` below what it holds',
      needs: ['redis-server'],
      seconds: 8,
      async begin(stage) {
        await stage.redis.command('CONFIG', 'SET', 'maxmemory', '1mb')
        return async () => void (await stage.redis.command('CONFIG', 'SET', 'maxmemory', '0'))
      },
    }),
    onServer(
      {
        name: 'redis-older-dump',
        fault: 'Redis restored from a dump that is older than the revokes',
        injected: 'SAVE, SIGKILL, the older file put in its place, started again',
      },
      async (stage, crowd) => {
        const dump = await stage.redis.dump('before')
        await raiseAlarm(stage, crowd.victims)
        const before = await measure(stage, { ...crowd, bystanders: [] }, Date.now())
        await stage.redis.kill()
        await stage.redis.start(dump)
        return afterRestore(stage, crowd, before.lost)
      },
    ),
    onServer(
      {
        name: 'redis-older-dump-under-way',
        fault: 'the same while the alerts are under way',
        injected: 'SAVE, then within a second of the alerts SIGKILL and the older file',
      },
      async (stage, crowd) => {
        stage.sender.retrySpacingMs = SPACING[1] ?? []
        const dump = await stage.redis.dump('before')
        await raiseAlarm(stage, crowd.victims)
        await wait(stage.random.int(1000), stage.signal)
        await stage.redis.kill()
        await stage.redis.start(dump)
        return measure(stage, crowd, Date.now())
      },
    ),
    emptied(
      { name: 'redis-flushed', fault: 'Redis emptied while it runs', injected: 'FLUSHALL' },
      async ({ redis }) => {
        await redis.command('FLUSHALL')
      },
    ),
    emptied(
      { name: 'redis-killed-empty', fault: 'Redis killed, started empty', injected: 'SIGKILL' },
      async ({ redis }) => {
        await redis.kill()
        await redis.start()
      },
    ),
  ],
}

/** Every victim was out before the restore: one answer that lets it in again, at any time, is one too many. */
async function afterRestore(stage: Stage, crowd: Crowd, lostBefore: number) {
  const endedAt = Date.now()
  const revived = new Set<string>()
  while (Date.now() < endedAt + 8000) {
    const looks = await stage.cast.askAll(crowd.victims)
    for (const [index, look] of looks.entries()) {
      const victim = crowd.victims[index]
      if (look === 'in' && victim) revived.add(victim.sid)
    }
    await wait(300, stage.signal)
  }
  const row = await measure(stage, crowd, endedAt)
  return { ...row, lost: row.lost + lostBefore, wronglyAlive: Math.max(row.wronglyAlive, revived.size) }
}

/** Everybody is signed out, as documented: a bystander counts as wrongly dead if the password does not open the account. */
async function signedOut(stage: Stage, crowd: Crowd) {
  const row = await measure(stage, { victims: crowd.victims, bystanders: [] }, Date.now())
  const wronglyDead = await countKeptOut(stage, crowd.bystanders)
  return { ...row, wronglyDead, remark: 'everybody is signed out, as documented, and signs in again' }
}
