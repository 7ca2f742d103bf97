import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import bcrypt from 'bcryptjs'
import { chromeOnWindows, type Device } from '../../attacks/kit/clients/devices.ts'
import { inParallel } from '../../attacks/kit/parallel.ts'
import { createPasswords } from '../../functions/passwords/passwords.ts'
import { createUsers } from '../../functions/stores/postgres/users.ts'
import { createContainmentLedger } from '../../functions/stores/tables/containment-ledger.ts'
import type { StoreConnections } from '../../lab/stores/start.ts'
import { networkOf } from '../../shared/client/address.ts'
import { deviceHashFor } from '../../shared/client/device.ts'
import type { FunctionsConfig } from '../../shared/config.ts'
import { issueSession, newSid } from '../../shared/session/issue.ts'
import { openSessions } from '../../shared/session/open.ts'
import { createIssuer } from '../../shared/session/token.ts'
import { connectPostgres, connectRedis, connectTables } from '../../shared/stores/connect.ts'
import type { ContainmentLedger } from '../../shared/stores/port.ts'
import { createSessionLedger } from '../../shared/stores/tables/session-ledger.ts'
import { StoreUnavailable } from '../../shared/stores/unavailable.ts'

/** Where a session is at home; the other host does not take its token. */
export type Home = 'web' | 'functions'

/** An account with one session. */
export interface Person {
  readonly email: string
  readonly password: string
  readonly userId: string
  readonly home: Home
  readonly sid: string
  readonly token: string
  readonly device: Device
  readonly deviceHash: string
  /** Of a network that nobody else is in. */
  readonly address: string
  readonly network: string
}

/** What a real request with a session came to. `unknown`: the host could not say, as while a store is away. */
export type Look = 'in' | 'out' | 'unknown'

/** The people of a stage. */
export interface Cast {
  /** Opens accounts, each with one session; every other one is at home at web, the rest at functions. */
  people(count: number): Promise<Person[]>
  /** A further session of an account, opened now. */
  another(person: Person): Promise<Person>
  /** Presents the session to its host. */
  ask(person: Person): Promise<Look>
  /** Asks everybody. @returns in the order of the people */
  askAll(people: readonly Person[]): Promise<Look[]>
  /** Leaves rows of sessions in the ledger that Redis does not know. */
  leaveOpen(count: number): Promise<void>
  /** The ledger, by no proxy. */
  readonly containments: ContainmentLedger
  /** Signs in with the password, from the person's own device and address. @returns the status */
  signIn(person: Person): Promise<number>
  close(): Promise<void>
}

const PASSWORD = 'a fault is not an excuse 7'
const ASKED_AT_ONCE = 16
const STORE_TRIES = 10
const STORE_PAUSE_MS = 1000
const ANSWER_MS = 20_000
/** Older than the age up to which accounts are counted in a cap of their own. */
const ACCOUNT_AGE_MS = 30 * 86_400_000
/** Of the documentation prefix: each person has a site of their own. @see RFC 3849 */
const SITES = 0xffff

export async function openCast({
  config,
  direct,
  urls,
  signal,
}: {
  readonly config: FunctionsConfig
  /** The stores, by no proxy. */
  readonly direct: StoreConnections
  readonly urls: Readonly<{ [home in Home]: string }>
  readonly signal: AbortSignal
}): Promise<Cast> {
  const onError = () => {}
  const postgres = connectPostgres(direct.DATABASE_URL, { onError })
  const redis = connectRedis(direct.REDIS_URL, { onError })
  const tables = connectTables(direct.TABLES_CONNECTION)
  const users = createUsers(postgres.pool)
  const lifetimes = {
    idleSeconds: config.SESSION_IDLE_SECONDS,
    renewSeconds: config.SESSION_RENEW_SECONDS,
    graceSeconds: config.SESSION_GRACE_SECONDS,
  }
  const ledger = createSessionLedger(tables.tables)
  const [absoluteSeconds, warn, now] = [config.SESSION_ABSOLUTE_SECONDS, () => {}, Date.now]
  const deps = {
    users,
    // As both hosts do: a session that is written without its incarnation is looked up in the ledger at its first use.
    sessions: openSessions(redis.redis, lifetimes, { users, ledger, absoluteSeconds, warn, now }),
    ledger,
    issueToken: createIssuer(config.SESSION_SIGNING_KEYS[0]),
    absoluteSeconds,
    ...lifetimes,
    locate: () => undefined,
    countryOf: () => undefined,
    places: { revise: async () => {} },
    emit: () => {},
    warn,
    now,
  }
  const never = () => Promise.reject(new Error('not asked of this pool'))
  const pool = { hash: (input: string, cost: number) => bcrypt.hash(input, cost) }
  const passwords = createPasswords(
    { ...pool, compare: never, isGuessable: never, close: async () => {} },
    config.PASSWORD_PEPPER,
    config.BCRYPT_COST,
  )
  // One hash for everybody: what is measured here is no sign-in.
  const passwordHash = await passwords.hash(PASSWORD)
  let made = 0

  /** On a busy machine the stores of a stage may be slow before any fault begins. */
  async function patiently<T>(act: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await act()
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || tries === STORE_TRIES) throw error
        await delay(STORE_PAUSE_MS, undefined, { signal })
      }
    }
  }

  async function open(account: Pick<Person, 'email' | 'userId'>, home: Home, address: string): Promise<Person> {
    const device = chromeOnWindows()
    const hints = { platform: device.hints['sec-ch-ua-platform'], mobile: device.hints['sec-ch-ua-mobile'] }
    const deviceHash = deviceHashFor(device.userAgent, hints, config.DEVICE_HASH_KEY)
    const via = home === 'web' ? ('web' as const) : ('api' as const)
    const client = { ip: address, userAgent: device.userAgent, hints, via, requestId: randomUUID() }
    const { userId } = account
    const epoch = await users.readEpoch(userId)
    if (epoch === undefined) throw new Error('an account has vanished')
    const issued = await patiently(() => issueSession({ userId, epoch, amr: ['pwd'] }, { client, deviceHash }, deps))
    if (!issued) throw new Error('a session was withdrawn while it was opened')
    const { sid, token } = issued
    const network = networkOf(address)
    return { ...account, password: PASSWORD, home, sid, token, device, deviceHash, address, network }
  }

  async function ask({ home, token, device, address }: Person): Promise<Look> {
    const headers = { 'user-agent': device.userAgent, ...device.hints, 'x-lab-client-ip': address }
    const [url, credential] =
      home === 'web'
        ? [`${urls.web}/dashboard`, { cookie: `session=${token}`, accept: 'text/html' }]
        : [`${urls.functions}/api/auth/session`, { authorization: `Bearer ${token}` }]
    try {
      const answer = await fetch(url, {
        headers: { ...headers, ...credential },
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
      })
      await answer.body?.cancel()
      if (answer.status === 200) return 'in'
      if (answer.status === 401 || answer.status === 303) return 'out'
      return 'unknown'
    } catch (error) {
      if (signal.aborted) throw error
      return 'unknown'
    }
  }

  return {
    people: (count) =>
      inParallel(Array.from({ length: count }), ASKED_AT_ONCE, async () => {
        made += 1
        const site = (made % SITES) + 1
        const address = `2001:db8:${site.toString(16)}::${(made / SITES + 1).toString(16).split('.')[0]}`
        const account = { userId: randomUUID(), email: `p${made}-${randomUUID().slice(0, 8)}@example.com` }
        await users.create(
          { id: account.userId, email: account.email, passwordHash },
          new Date(Date.now() - ACCOUNT_AGE_MS),
        )
        return open(account, made % 2 === 0 ? 'web' : 'functions', address)
      }),
    another: (person) => open(person, person.home, person.address),
    ask,
    askAll: (people) => inParallel(people, ASKED_AT_ONCE, ask),
    async leaveOpen(count) {
      const issuedAt = new Date(Date.now() - 10 * 60_000)
      const absoluteExpiry = new Date(issuedAt.getTime() + config.SESSION_ABSOLUTE_SECONDS * 1000)
      await inParallel(Array.from({ length: count }), ASKED_AT_ONCE, () =>
        patiently(() =>
          deps.ledger.open({
            ...{ userId: randomUUID(), sid: newSid(), deviceHash: '0'.repeat(32), device: 'Chrome on Windows' },
            ...{ ip: '203.0.113.7', via: 'api', state: 'active', issuedAt, absoluteExpiry },
          }),
        ),
      )
    },
    containments: createContainmentLedger(tables.tables),
    async signIn({ email, password, device, address }) {
      const answer = await fetch(`${urls.functions}/api/auth/login`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': device.userAgent,
          ...device.hints,
          'x-lab-client-ip': address,
        },
        body: JSON.stringify({ email, password }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
      })
      await answer.body?.cancel()
      return answer.status
    },
    async close() {
      await Promise.allSettled([postgres.close(), redis.close(), tables.close()])
    },
  }
}
