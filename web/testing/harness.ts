import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect, inject } from 'vitest'
import * as z from 'zod'
import { parseWebConfig } from '../../shared/config.ts'
import { Event } from '../../shared/event.ts'
import { createLog } from '../../shared/log.ts'
import { unchecked } from '../../shared/unchecked.ts'
import { portOf } from '../../test/port-of.ts'
import { createApp, type WebDeps } from '../app.ts'
import { createDeps } from '../deps.ts'
import { createListener } from '../listener.ts'
import { createVisitor, type Visitor } from './browser.ts'
import { type Account, startFunctions } from './functions.ts'

export const WEB_ORIGIN = 'http://localhost:8000'

/**
 * Starts the deployed web on a free port: its own configuration and composition, real stores, keys and signatures.
 * Functions runs behind it with stores in memory. A test can move the clock of both.
 */
export async function startWeb(
  change: (deps: WebDeps) => Partial<WebDeps> = () => ({}),
  environment: NodeJS.ProcessEnv = {},
) {
  const secrets = { hmac: `lab-${randomBytes(24).toString('hex')}`, device: `lab-${randomBytes(24).toString('hex')}` }
  const clock = { offsetMs: 0, now: () => Date.now() + clock.offsetMs }
  const secret = { ATO_HMAC_SECRET: secrets.hmac, DEVICE_HASH_KEY: secrets.device }
  const { SESSION_DEVICE_BINDING } = environment
  const functions = await startFunctions({ ...secret, SESSION_DEVICE_BINDING, WEB_ORIGIN }, clock)
  const lines: string[] = []
  const config = parseWebConfig({
    ATO_LAB: '1',
    REDIS_URL: inject('redisUrl'),
    TABLES_CONNECTION: inject('tablesConnection'),
    ...secret,
    WEB_ORIGIN,
    FUNCTIONS_ORIGIN: functions.origin,
    ...environment,
  })
  const log = createLog({ service: config.DD_SERVICE, env: config.DD_ENV }, { write: (line) => void lines.push(line) })
  const assets = new URL('../../dist/web/assets/', import.meta.url)
  const built = createDeps(config, { assets, log, now: clock.now })
  functions.use(built)
  const deps = { ...built, ...change(built) }
  const server = createServer(createListener(deps)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${portOf(server)}`

  /** Every event so far, parsed by the contract. */
  const events = () => {
    const parsed = lines.map((line) => JSON.parse(line))
    return parsed.filter((line) => 'evt' in line).map((line) => Event.parse(line))
  }
  const newAccount = (more: { totp?: boolean } = {}) => {
    const email = `${randomUUID()}@example.com`
    const account = { email, userId: randomUUID(), password: `canary-password-${randomUUID()}` }
    functions.open(account, more)
    return account
  }
  const signIn = async (account: Account, visitor: Visitor = createVisitor(origin)) => {
    const { email, password } = account
    let { location } = await visitor.post('/login', { email, password })
    if (location === '/mfa') ({ location } = await visitor.post('/mfa', { code: await functions.codeOf(account) }))
    expect(location).toBe('/dashboard')
    return visitor
  }

  /** Re-authenticates a session, as a change of the credentials requires. */
  const stepUp = async ({ password }: Pick<Account, 'password'>, visitor: Visitor, code = '') => {
    const { location } = await visitor.post('/account/reauth', { password, code, place: 'account' })
    expect(location).toBe('/account?notice=confirmed')
  }

  const app = createApp(deps)
  /** Every route, such as `GET /login`. Express declares its router's layers in no type. */
  const routes = () =>
    unchecked<{ stack: Layer[] }>(app.router).stack.flatMap(({ route }) =>
      route ? Object.keys(route.methods).map((method) => `${method.toUpperCase()} ${route.path}`) : [],
    )

  return {
    app,
    routes,
    deps,
    origin,
    secrets,
    clock,
    functions,
    lines,
    events,
    newAccount,
    signIn,
    stepUp,
    visitor: (options?: Parameters<typeof createVisitor>[1]) => createVisitor(origin, options),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await functions.close()
      await built.close()
    },
  }
}

interface Layer {
  route?: { path: string; methods: Record<string, boolean> }
}

export type Web = Awaited<ReturnType<typeof startWeb>>

const Claims = z.object({ sid: z.string() })

/** The sid in a token: it is public, and the token alone opens the session. */
export function sidOf(visitor: Visitor): string {
  const [, payload = ''] = visitor.cookie('session').split('.')
  return Claims.parse(JSON.parse(Buffer.from(payload, 'base64url').toString())).sid
}
