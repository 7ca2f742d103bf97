import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import * as z from 'zod'
import { deviceTokenKeys, newDeviceId, writeDeviceToken } from '../../shared/auth/device-token.ts'
import { deviceOf, ForwardedClient, observeClient } from '../../shared/client/client.ts'
import { parseFunctionsConfig, type SigningKey } from '../../shared/config.ts'
import type { NewEvent } from '../../shared/event.ts'
import { type ProblemCode, problems } from '../../shared/problem.ts'
import { Secret } from '../../shared/secret.ts'
import { endOther, logout } from '../../shared/session/end.ts'
import { type IssueDeps, issueSession } from '../../shared/session/issue.ts'
import { localKeys } from '../../shared/session/keys.ts'
import { type PresentDeps, presentSession } from '../../shared/session/present.ts'
import { renewSession } from '../../shared/session/renew.ts'
import { Sightings } from '../../shared/session/sightings.ts'
import { createIssuer, createVerifier, publicJwk } from '../../shared/session/token.ts'
import { verify, webKeys } from '../../shared/signature.ts'
import type { LiveSessions, SessionLedger } from '../../shared/stores/port.ts'

const Body = z.strictObject({
  id: z.uuid(),
  op: z.string(),
  client: ForwardedClient,
  data: z.record(z.string(), z.unknown()),
})

export interface SeenCall extends z.infer<typeof Body> {
  route: string
  token: string | undefined
}

export type Reply = { status: number; body?: unknown; headers?: Record<string, string> }
export const problemReply = (code: ProblemCode, more: { detail?: string; retryAfter?: string } = {}): Reply => ({
  status: problems[code].status,
  body: { type: 'about:blank', ...problems[code], code, ...(more.detail && { detail: more.detail }) },
  headers: {
    'content-type': 'application/problem+json',
    ...(more.retryAfter && { 'retry-after': more.retryAfter }),
  },
})

export interface Account {
  userId: string
  password: string
  totp?: boolean
}

interface Stores {
  sessions: LiveSessions
  ledger: SessionLedger
}

export const CODE = '123456'

export function newSigningKey(kid = `lab-${randomUUID()}`): SigningKey {
  const { privateKey } = generateKeyPairSync('ed25519')
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid }
  return keyFrom(JSON.stringify({ keys: [jwk] }))
}

/** By way of the configuration, so that a key here has the form that a deployment's has. */
function keyFrom(SESSION_SIGNING_KEYS: string): SigningKey {
  const filler = 'lab-only-a-test-needs-this-0123456789'
  const config = parseFunctionsConfig({
    ATO_LAB: '1',
    SESSION_SIGNING_KEYS,
    REDIS_URL: 'redis://localhost',
    TABLES_CONNECTION: 'none',
    DATABASE_URL: 'postgres://localhost',
    ATO_HMAC_SECRET: filler,
    ATO_WEBHOOK_SECRET: filler,
    DEVICE_HASH_KEY: filler,
    TOTP_KEY: filler,
    PASSWORD_PEPPER: filler,
    SMTP_URL: 'smtp://localhost',
    MAIL_FROM: 'no-reply@example.com',
    WEB_ORIGIN: 'http://localhost:8000',
    FUNCTIONS_ORIGIN: 'http://localhost:7071',
  })
  return config.SESSION_SIGNING_KEYS[0]
}

/**
 * What answers web where the network begins: it keeps the contract of DESIGN.md sections 5 and 6 and uses the shared
 * rules of sessions, but knows its accounts by heart and hashes nothing.
 */
export async function startFunctions(secrets: { hmac: string; device: string }, clock: { now: () => number }) {
  const calls: SeenCall[] = []
  const events: NewEvent[] = []
  const accounts = new Map<string, Account>()
  const pending = new Map<string, Account>()
  /** By the token of their link, with what shows who registered. */
  const registrations = new Map<string, { email: string; registration: string; password: string }>()
  const overrides = new Map<string, Reply | 'hang'>()
  const faults: string[] = []
  const state = { up: true, key: newSigningKey(), jwksAsked: 0 }
  let stores: Stores | undefined

  const keys = webKeys([new Secret(secrets.hmac)])
  const emit = (event: NewEvent) => void events.push(event)

  function domain() {
    if (!stores) throw new Error('the counterpart has no stores yet')
    const deps = {
      ...stores,
      users: { readEpoch: async () => 1 },
      issueToken: createIssuer(state.key),
      verifyToken: createVerifier(localKeys([state.key])),
      idleSeconds: 3600,
      renewSeconds: 300,
      absoluteSeconds: 86_400,
      sightings: new Sightings(),
      binding: 'observe' as const,
      deviceKeys: [new Secret(secrets.device)] as [Secret],
      lab: true,
      locate: () => undefined,
      places: { revise: async () => {} },
      warn: () => {},
      emit,
      now: clock.now,
    }
    return deps satisfies IssueDeps & PresentDeps
  }

  /** A sign-in's answer has a token of the device, if one was asked for. */
  async function signIn(account: Account, amr: ('pwd' | 'otp')[], call: SeenCall): Promise<Reply> {
    const { status, body } = await issue(account, amr, call)
    const { userId } = account
    const device_token = writeDeviceToken({ userId, id: newDeviceId() }, deviceTokenKeys([new Secret(secrets.device)]))
    return { status, body: { ...body, ...(call.data.remember_device === true && { device_token }) } }
  }

  async function issue(account: Account, amr: ('pwd' | 'otp')[], call: SeenCall) {
    const { client, deviceHash } = clientOf(call)
    const issued = await issueSession({ userId: account.userId, epoch: 1, amr }, client, deviceHash, domain())
    if (!issued) throw new Error('not issued')
    return { status: 200, body: { sid: issued.sid, token: issued.token, expires_at: issued.expiresAt } }
  }

  function clientOf(call: SeenCall) {
    const { ip, user_agent: userAgent, ch, hints, rum_session_id: rumSessionId } = call.client
    const deps = domain()
    const client = observeClient({ ip, userAgent, hints: ch, formHints: hints, rumSessionId, via: 'web' }, deps)
    return { client, deviceHash: deviceOf(client, deps) }
  }

  function accountOf(userId: string) {
    const [email, account] = [...accounts].find(([, { userId: id }]) => id === userId) ?? []
    return { id: userId, email, mfa_enabled: account?.totp ?? false }
  }

  async function answer(call: SeenCall): Promise<Reply> {
    const { route, data, token } = call
    if (route === 'auth/register') {
      return { status: 202, body: { accepted: true, registration: randomBytes(16).toString('base64url') } }
    }
    if (route === 'auth/confirm') {
      const asked = registrations.get(String(data.token))
      const isProved = asked && (asked.registration === data.registration || asked.password === data.password)
      return isProved ? { status: 200, body: { email: asked.email } } : problemReply('confirmation-refused')
    }
    if (route === 'auth/login') {
      const account = accounts.get(String(data.email))
      if (data.email === undefined || data.password === undefined) return problemReply('request-malformed')
      if (!account || account.password !== data.password) return problemReply('login-refused')
      if (!account.totp) return signIn(account, ['pwd'], call)
      const mfaToken = randomUUID()
      pending.set(mfaToken, account)
      return { status: 200, body: { mfa_token: mfaToken } }
    }
    if (route === 'auth/mfa/verify') {
      const account = pending.get(String(data.mfa_token))
      if (!account || data.code !== CODE) return problemReply('code-refused')
      pending.delete(String(data.mfa_token))
      return signIn(account, ['pwd', 'otp'], call)
    }
    const deps = domain()
    const { client, deviceHash } = clientOf(call)
    const check = await presentSession(token, client, deps)
    if (check.kind !== 'accepted') return problemReply(check.kind === 'revoked' ? 'session-revoked' : 'session-invalid')
    const { session } = check
    const account = [...accounts.values()].find(({ userId }) => userId === session.userId)
    if (route === 'auth/logout') {
      await logout(session, client, deviceHash, deps)
      return { status: 204 }
    }
    if (route === 'auth/session/renew') {
      const renewed = await renewSession(check, client, deps)
      if (renewed.kind !== 'renewed') return problemReply('renewal-early')
      const { sid, token: next, expiresAt } = renewed.token
      return { status: 200, body: { sid, token: next, expires_at: expiresAt } }
    }
    const other = /^auth\/sessions\/([^/]+)\/end$/.exec(route)?.[1]
    if (other !== undefined) {
      const mine = await endOther(session, other, client, deviceHash, deps)
      return mine ? { status: 204 } : problemReply('not-found')
    }
    if (route === 'auth/reauth' || route === 'auth/password') {
      const password = route === 'auth/reauth' ? data.password : data.current_password
      if (!account || account.password !== password) return problemReply('login-refused')
      if (route === 'auth/password') account.password = String(data.new_password)
      const reply = await issue(account, ['pwd'], call)
      await logout(session, client, deviceHash, deps)
      return reply
    }
    if (route === 'auth/mfa/enrol') {
      const secret = 'JBSWY3DPEHPK3PXP'
      const uri = `otpauth://totp/Mini%20ATO%20SaaS:anna%40example.com?secret=${secret}&issuer=Mini%20ATO%20SaaS`
      return { status: 200, body: { secret, otpauth_uri: uri } }
    }
    if (route === 'auth/account') return { status: 200, body: accountOf(session.userId) }
    if (route === 'auth/mfa/confirm') {
      if (data.code !== CODE) return problemReply('code-refused')
      if (account) account.totp = true
      return { status: 204 }
    }
    if (route === 'auth/mfa/disable') {
      if (account) account.totp = false
      return { status: 204 }
    }
    return problemReply('not-found')
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<Reply | 'hang'> {
    if (!state.up) return { status: 503 }
    if (request.method === 'GET' && request.url === '/api/health') return { status: 200, body: { status: 'ok' } }
    if (request.method === 'GET' && request.url === '/api/auth/jwks') {
      state.jwksAsked++
      return { status: 200, body: { keys: [publicJwk(state.key)] } }
    }
    const raw = await text(request)
    const route = request.url?.replace(/^\/api\//, '') ?? ''
    const verdict = verify(request.headers['x-ato-signature'] as string | undefined, raw, keys, clock.now())
    const body = Body.parse(JSON.parse(raw))
    if ('fault' in verdict) faults.push(`${route}: ${verdict.fault}`)
    if (body.op !== `POST /api/${route}`) faults.push(`${route}: op is ${body.op}`)
    if (calls.some((call) => call.id === body.id)) faults.push(`${route}: id was used before`)
    const token = request.headers.authorization?.replace(/^Bearer /, '')
    const call = { ...body, route, token }
    calls.push(call)
    response.setHeader('content-type', 'application/json')
    return overrides.get(route) ?? (await answer(call))
  }

  const server = createServer((request, response) => {
    handle(request, response).then(
      (reply) => {
        if (reply === 'hang') return
        response.writeHead(reply.status, reply.headers)
        response.end(reply.body === undefined ? undefined : JSON.stringify(reply.body))
      },
      (error: unknown) => {
        faults.push(String(error))
        response.writeHead(500).end()
      },
    )
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** The calls that came, in order; `faults` holds what broke the contract of signed calls. */
    calls,
    faults,
    events,
    accounts,
    registrations,
    /** Replies that stand for a route until they are removed. */
    overrides,
    state,
    use: (given: Stores) => {
      stores = given
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
