import { createHash, randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import az from '@azure/functions'
import { inject } from 'vitest'
import { parseFunctionsConfig } from '../../shared/config.ts'
import { Event } from '../../shared/event.ts'
import { createLog } from '../../shared/log.ts'
import { SIGNATURE_HEADER, sign } from '../../shared/signature.ts'
import type { SessionLedger } from '../../shared/stores/port.ts'
import { migrate } from '../../shared/stores/postgres/migrate.ts'
import { createTablesClient } from '../../shared/stores/tables/client.ts'
import { labEnv } from '../../test/env.ts'
import type { ContainWebhookDeps } from '../contain/handler.ts'
import { type AuthDeps, composeDeps } from '../deps.ts'
import type { Mail } from '../notify/port.ts'
import { type FunctionsParts, type FunctionsStores, openParts } from '../parts.ts'
import { createHashPool } from '../passwords/hash-pool.ts'
import { createPasswords } from '../passwords/passwords.ts'
import { routes } from '../routes.ts'
import { createContainmentLedger } from '../stores/tables/containment-ledger.ts'
import type { SweepDeps } from '../sweep/sweep.ts'

const HASH_WORKER = fileURLToPath(new URL('../../dist/hash-worker.cjs', import.meta.url))
/** Lower than a configuration accepts, because the passwords of tests protect nothing. */
const TEST_COST = 4

export const PASSWORD = 'long enough for a test'
export const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36'
export const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'

export interface Asked {
  method?: string
  body?: unknown
  /** Sent unchanged in place of `body`. */
  raw?: string
  token?: string | undefined
  ip?: string
  userAgent?: string
  headers?: Record<string, string>
  params?: Record<string, string>
}

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever JSON came back
  json: any
}

/** A ledger as it is a minute later by the clock of its store, which no test can set. */
export const settled = (ledger: SessionLedger): SessionLedger => ({
  ...ledger,
  async *openPages(after) {
    for await (const page of ledger.openPages(after)) yield { ...page, settled: page.sessions }
  },
})

/** The forwarded address as the front end of Azure appends it. */
const hop = (ip: string): string => (ip.includes(':') ? `[${ip}]:50000` : `${ip}:50000`)

/** A new network for each registration: many accounts from one address would be throttled. */
const anywhere = (): string => {
  const [a, b] = randomUUID().split('-').slice(1)
  return `2001:db8:${a}:${b}::1`
}

interface Differences {
  env?: Record<string, string>
  /** In place of the embedded ones. */
  stores?: Partial<FunctionsStores>
  parts?: Partial<Omit<FunctionsParts, 'stores'>>
}

export type Dependencies = AuthDeps & ContainWebhookDeps & SweepDeps

/**
 * Starts the functions over the real embedded stores. They are called as the host calls them, and every log line is
 * kept.
 */
export async function startFunctions({ env: differences = {}, stores = {}, parts = {} }: Differences = {}) {
  await migrate(inject('databaseUrl'))
  const env = {
    ...labEnv(),
    DATABASE_URL: inject('databaseUrl'),
    REDIS_URL: inject('redisUrl'),
    TABLES_CONNECTION: inject('tablesConnection'),
    ...differences,
  }
  const config = parseFunctionsConfig(env)
  const ours = `t${createHash('sha256').update(env.ATO_WEBHOOK_SECRET).digest('hex').slice(0, 16)}`
  const lines: string[] = []
  const mails: Mail[] = []
  const log = createLog({ service: 'mini-ato-saas', env: 'prod' }, { write: (line: string) => void lines.push(line) })
  const pool = createHashPool(HASH_WORKER, { queueLimit: 64 })
  const opened = openParts(config, { hashWorker: HASH_WORKER }, log)
  const deps = composeDeps(config, {
    ...opened,
    passwords: createPasswords(pool, config.PASSWORD_PEPPER, TEST_COST),
    notify: (mail) => void mails.push(mail),
    ...parts,
    stores: {
      ...opened.stores,
      // Other test files share the stores and have sweepers with other clocks. Only apps with the same secrets share
      // these.
      containments: createContainmentLedger(createTablesClient(env.TABLES_CONNECTION, { prefix: ours })),
      leases: { acquire: (name, ttlMs) => opened.stores.leases.acquire(`${name}-${ours}`, ttlMs) },
      ...stores,
    },
  })
  const useCases = [deps.session, deps.auth, deps.contain, deps.sweep]
  const composed = useCases.map((useCase) => ({ ...useCase }))
  const table = routes(deps)

  const call = async (name: string, asked: Asked = {}): Promise<Answer> => {
    const route = table[name]
    if (!route) throw new Error(`no function ${name}`)
    const text = asked.raw ?? (asked.body === undefined ? undefined : JSON.stringify(asked.body))
    const request = new az.HttpRequest({
      method: asked.method ?? route.method,
      url: `http://localhost:7071/api/${route.route}`,
      headers: {
        'user-agent': asked.userAgent ?? CHROME,
        'x-forwarded-for': hop(asked.ip ?? '203.0.113.9'),
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': `${Buffer.byteLength(text)}` }),
        ...(asked.token === undefined ? {} : { authorization: `Bearer ${asked.token}` }),
        ...asked.headers,
      },
      params: asked.params ?? {},
      ...(text === undefined ? {} : { body: { string: text } }),
    })
    const context = new az.InvocationContext({ functionName: name, invocationId: randomUUID() })
    const response = new az.HttpResponse((await route.handler(request, context)) ?? {})
    const answered = await response.text()
    return { status: response.status, headers: response.headers, json: answered ? JSON.parse(answered) : undefined }
  }

  /** A call as web makes it: signed, with the client inside. */
  const callFromWeb = (
    name: string,
    data: unknown,
    change: Partial<{
      op: string
      id: string
      ip: string
      now: number
      key: 'web' | 'revoke'
      rum: string
      hints: string
    }> = {},
    asked: Asked = {},
  ) => {
    const {
      op = `POST /api/${table[name]?.route}`,
      id = randomUUID(),
      ip = '198.51.100.7',
      now = deps.auth.now(),
    } = change
    const { rum, hints } = change
    const said = { ...(rum !== undefined && { rum_session_id: rum }), ...(hints !== undefined && { hints }) }
    const client = { ip, user_agent: FIREFOX, ch: {}, ...said }
    const raw = JSON.stringify({ id, op, client, data })
    const signature = sign(raw, change.key === 'revoke' ? deps.contain.keys : deps.auth.webKeys, now)
    return call(name, { ...asked, raw: asked.raw ?? raw, headers: { [SIGNATURE_HEADER]: signature, ...asked.headers } })
  }

  /** Registers and confirms by the link in the mail. */
  const register = async (account: { email: string; password: string }, asked: Asked = {}): Promise<void> => {
    const from = { ...asked, ip: asked.ip ?? anywhere() }
    const { registration } = (await call('register', { ...from, body: account })).json
    const { status } = await call('confirm', { ...from, body: { token: tokenTo(account.email), registration } })
    if (status !== 200) throw new Error(`the confirmation of ${account.email} was answered ${status}`)
  }
  /** The token in the newest mail to an address. */
  const tokenTo = (email: string): string | undefined => {
    const mail = mails.findLast(({ to }) => to === email.toLowerCase())
    return /#token=(\S+)/.exec(mail?.text ?? '')?.[1]
  }

  return {
    deps,
    /** Replaces dependencies in every use case that has them, until {@link restore}. */
    replace: (change: Partial<Dependencies>): void => {
      for (const useCase of useCases) {
        Object.assign(useCase, Object.fromEntries(Object.entries(change).filter(([name]) => name in useCase)))
      }
    },
    restore: (): void => useCases.forEach((useCase, index) => void Object.assign(useCase, composed[index])),
    config,
    env,
    lines,
    /** The mails that would have been sent. */
    mails,
    tokenTo,
    register,
    call,
    callFromWeb,
    /** Every event so far, parsed by the contract; other log lines are left out. */
    events: (): Event[] =>
      lines
        .map((line) => JSON.parse(line))
        .filter((line) => 'evt' in line)
        .map((line) => Event.parse(line)),
    /** Registers, confirms and signs in, with a new account unless an address is given. */
    signIn: async (asked: Asked & { email?: string } = {}) => {
      const email = asked.email ?? `${randomUUID()}@example.com`
      if (asked.email === undefined) await register({ email, password: PASSWORD }, { ...asked, ip: anywhere() })
      const { json } = await call('login', { ...asked, body: { email, password: PASSWORD } })
      return { email, sid: json.sid, token: json.token }
    },
    /** Re-authenticates a session. @returns the session that replaces it */
    stepUp: async (token: string, asked: Asked & { password?: string; code?: string } = {}) => {
      const { password = PASSWORD, code, ...from } = asked
      const { status, json } = await call('reauth', { ...from, token, body: { password, ...(code && { code }) } })
      if (status !== 200) throw new Error(`the re-authentication was answered ${status}`)
      return { sid: json.sid, token: json.token }
    },
    close: async () => {
      await pool.close()
      await opened.close()
    },
  }
}

export type Functions = Awaited<ReturnType<typeof startFunctions>>
