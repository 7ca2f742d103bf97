import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { buffer } from 'node:stream/consumers'
import az, { type HttpHandler, type HttpResponseInit } from '@azure/functions'
import { generateSync } from 'otplib'
import * as z from 'zod'
import { readCall } from '../../functions/auth/call.ts'
import { newTotpSecret, openTotp, sealTotp } from '../../functions/auth/totp.ts'
import { composeDeps, type FunctionsDeps } from '../../functions/deps.ts'
import type { Mail } from '../../functions/notify/port.ts'
import type { Passwords } from '../../functions/passwords/passwords.ts'
import { type Route, routes } from '../../functions/routes.ts'
import { createMemoryStores } from '../../functions/stores/memory-stores.ts'
import { serviceWords, weakness } from '../../shared/auth/password-policy.ts'
import { ForwardedClient } from '../../shared/client/client.ts'
import { parseFunctionsConfig } from '../../shared/config.ts'
import { Event } from '../../shared/event.ts'
import { createLog } from '../../shared/log.ts'
import { type ProblemCode, ProblemError, renderProblem } from '../../shared/problem.ts'
import type { LiveSessions, SessionLedger } from '../../shared/stores/port.ts'
import { labEnv } from '../../test/env.ts'
import { portOf } from '../../test/port-of.ts'

const SeenCall = z.object({
  id: z.string(),
  op: z.string(),
  client: ForwardedClient,
  data: z.record(z.string(), z.unknown()),
})
/** A received signed call, by the part of its route after `/api/`. */
export interface SeenCall extends z.infer<typeof SeenCall> {
  route: string
  token: string | undefined
}

export interface Account {
  email: string
  userId: string
  password: string
}

/** The secrets that web shares with functions. */
export interface SharedStores {
  sessions: LiveSessions
  ledger: SessionLedger
}

/** A refusal of functions. */
export function problemReply(
  code: ProblemCode,
  options: { detail?: string; retryAfterSeconds?: number } = {},
): HttpResponseInit {
  const { status, document, headers } = renderProblem(new ProblemError(code, options), randomUUID())
  return { status, headers, body: JSON.stringify(document) }
}

/**
 * Judges new passwords as in production, but without the dictionaries. A password is kept unhashed, which saves time.
 */
const passwords: Passwords = {
  hash: async (password) => stored(password),
  check: async (password, hash) =>
    hash === stored(password) ? { matches: true, outdated: false } : { matches: false },
  weakness: (password, email) => weakness(password, email, { service: serviceWords(''), isGuessable: () => false }),
  fingerprint: (password) => createHash('sha256').update(password).digest('hex').slice(0, 16),
}
const stored = (password: string): string => `as-typed ${password}`

/**
 * The deployed functions, over HTTP and over stores in memory. They share sessions and ledger with web.
 * @param environment the differences from {@link labEnv}
 */
export async function startFunctions(environment: NodeJS.ProcessEnv, clock: { now: () => number }) {
  const config = parseFunctionsConfig({ ...labEnv(), ...environment })
  const lifetimes = { idleSeconds: 3600, renewSeconds: 300, graceSeconds: 30 }
  const { redis: _redis, tables: _tables, ...memory } = createMemoryStores({ now: clock.now, lifetimes })
  const calls: SeenCall[] = []
  const lines: string[] = []
  const mails: Mail[] = []
  const overrides = new Map<string, HttpResponseInit>()
  const state = { up: true, jwksAsked: 0 }
  const log = createLog({ service: config.DD_SERVICE, env: config.DD_ENV }, { write: (line) => void lines.push(line) })
  const deps: FunctionsDeps = composeDeps(config, {
    stores: memory,
    passwords,
    openAlerts: undefined,
    locate: () => undefined,
    countryOf: () => undefined,
    notify: (mail) => void mails.push(mail),
    log,
    fetch,
    now: clock.now,
    probes: {},
    close: async () => {},
  })

  /** Runs the real handler, or gives the answer of a test, for which the call is only read. */
  const replaceable = ({ handler, method, route }: Route, path: string): HttpHandler => {
    return async (request, context) => {
      const reply = overrides.get(path)
      if (reply === undefined) return handler(request, context)
      await readCall(request, `${method} /api/${route.replace(/\{sid\}/, request.params.sid ?? '')}`, deps.session)
      return reply
    }
  }

  const server = createServer(
    listenerOver(routes(deps), (request, route, path, body) => {
      if (!state.up) return async () => ({ status: 503 })
      if (path === 'auth/jwks') state.jwksAsked++
      if (route.method === 'POST') {
        const token = request.headers.authorization?.replace(/^Bearer /, '')
        calls.push({ ...SeenCall.parse(JSON.parse(body.toString())), route: path, token })
      }
      return replaceable(route, path)
    }),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')

  const events = () =>
    lines
      .map((line): unknown => JSON.parse(line))
      .filter((line): line is object => typeof line === 'object' && line !== null && 'evt' in line)
      .map((line) => Event.parse(line))

  return {
    origin: `http://127.0.0.1:${portOf(server)}`,
    /** The received calls, in order. */
    calls,
    /** Answers in place of a route, until they are removed. */
    overrides,
    mails,
    state,
    events,
    /** Signed calls that broke the contract. */
    refusedCalls: () => events().filter(({ evt }) => evt === 'call'),
    use: ({ sessions, ledger }: SharedStores) => {
      for (const useCase of [deps.session, deps.auth, deps.contain]) Object.assign(useCase, { sessions, ledger })
    },
    /** Opens an account at once: a store in memory changes before it answers. */
    open({ email, userId, password }: Account, { totp = false } = {}) {
      const now = new Date(clock.now())
      void deps.stores.users.create({ id: userId, email, passwordHash: stored(password) }, now)
      if (!totp) return
      const secret = sealTotp(newTotpSecret(), userId, deps.auth.totpKeys)
      void deps.stores.users.offerTotp(userId, secret, now)
      void deps.stores.users.enableTotp(userId, { secret, step: 0, epoch: 1 }, now)
    },
    /** A code that the authenticator of an account shows now, or the next one if that has been used. */
    async codeOf({ userId }: Pick<Account, 'userId'>): Promise<string> {
      const { totp } = (await deps.stores.users.findById(userId)) ?? {}
      if (!totp) throw new Error('this account has no authenticator')
      return codeOf(openTotp(totp.secret, userId, deps.auth.totpKeys), clock.now(), totp.lastStep)
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** @param lastStep of the last accepted code */
export function codeOf(secret: string, now: number, lastStep = 0): string {
  const step = Math.max(Math.floor(now / 30_000), lastStep + 1)
  return generateSync({ secret, epoch: step * 30 })
}

/**
 * Does the work of the host: finds the route of a request and calls its handler.
 * @param handlerOf the handler of a route, given the path after `/api/` and the body
 */
function listenerOver(
  table: Readonly<Record<string, Route>>,
  handlerOf: (request: IncomingMessage, route: Route, path: string, body: Buffer) => HttpHandler,
): RequestListener {
  const templates = Object.entries(table).map(([name, route]) => {
    const pattern = new RegExp(`^${route.route.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`)
    return { name, route, pattern }
  })
  const answer = async (request: IncomingMessage): Promise<az.HttpResponse> => {
    const body = await buffer(request)
    const path = (request.url ?? '').replace(/^\/api\//, '')
    const found = templates.find(({ route, pattern }) => route.method === request.method && pattern.test(path))
    if (!found) return new az.HttpResponse({ status: 404 })
    const { name, route, pattern } = found
    const headers = Object.fromEntries(Object.entries(request.headers).map(([key, value]) => [key, String(value)]))
    const given = new az.HttpRequest({
      method: route.method,
      url: `http://localhost:7071/api/${path}`,
      headers: { ...headers, 'x-forwarded-for': '198.51.100.1:50000' },
      params: { ...pattern.exec(path)?.groups },
      ...(body.length > 0 && { body: { bytes: body } }),
    })
    const context = new az.InvocationContext({ functionName: name, invocationId: randomUUID() })
    return new az.HttpResponse((await handlerOf(request, route, path, body)(given, context)) ?? {})
  }
  return (request, response) => {
    answer(request).then(
      async (given) => {
        response.writeHead(given.status, Object.fromEntries(given.headers))
        response.end(Buffer.from(await given.arrayBuffer()))
      },
      () => response.writeHead(500).end(),
    )
  }
}
