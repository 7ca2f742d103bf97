import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { httpAnswer } from '../test/faults/proxy.ts'
import {
  networkFaults,
  proxyStores,
  redisSays,
  type Store,
  type StoreFault,
  type StoreProxies,
  tablesAnswer,
  timed,
  webPage,
} from '../test/faults/stores.ts'
import { type Answer, type Asked, type Functions, PASSWORD, startFunctions } from './testing/functions.ts'

const STORES = ['postgres', 'redis', 'tables'] as const
/** Web waits 11 s for an answer, Datadog 15 s. The containment goes on trying for as long as that allows. */
const BUDGET_MS = 10_500
const CONTAIN_MS = 13_000

/** What Postgres says to whoever comes when all its connections are taken. @see its protocol, ErrorResponse */
const TOO_MANY_CLIENTS = (() => {
  const fields = Buffer.from('SFATAL\0VFATAL\0C53300\0Msorry, too many clients already\0\0')
  const head = Buffer.from('E\0\0\0\0')
  head.writeInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields])
})()

interface App {
  functions: Functions
  proxies: StoreProxies<Store>
}

/** An app whose stores can have faults. @returns a function that gives it to the tests of this suite */
function startsApp(): () => App {
  let app: App
  beforeAll(async () => {
    const proxies = await proxyStores(STORES)
    app = { proxies, functions: await startFunctions({ env: { ...proxies.env, WEB_ORIGIN: 'http://127.0.0.1:1' } }) }
  })
  afterAll(async () => {
    await app.functions.close()
    await app.proxies.close()
  })
  return () => app
}

/** Every route, as somebody asks it whose session, password and forms are right. */
async function requests(functions: Functions): Promise<[name: string, asked: Asked][]> {
  const address = () => `2001:db8:${randomBytes(2).toString('hex')}:${randomBytes(2).toString('hex')}::1`
  const { email, token, sid } = await functions.signIn({ ip: address() })
  const other = await functions.signIn({ email, ip: address() })
  const leaving = await functions.signIn({ email, ip: address() })
  const lone = await functions.signIn({ ip: address() })
  const code = { body: { code: '123456' } }
  const alert = {
    id: randomUUID(),
    alert_id: '1001',
    cycle_key: randomUUID(),
    transition: 'Triggered',
    scope: `@sid:${other.sid}`,
    tags: 'detection:session-reuse,contain:session,env:prod',
    date: String(Date.now()),
  }
  const asked: [string, Asked][] = [
    ['register', { body: { email: `${randomUUID()}@example.com`, password: PASSWORD } }],
    ['confirm', { body: { token: randomBytes(32).toString('base64url'), password: PASSWORD } }],
    ['login', { body: { email, password: PASSWORD } }],
    ['logout', { token: leaving.token }],
    ['reauth', { token, body: { password: PASSWORD } }],
    ['password', { token, body: { current_password: PASSWORD, new_password: `${PASSWORD} and longer` } }],
    ['account', { token }],
    ['history', { token: lone.token }],
    ['mfaVerify', { body: { mfa_token: randomBytes(32).toString('base64url'), code: '123456' } }],
    ['mfaEnrol', { token }],
    ['mfaConfirm', { token, ...code }],
    ['mfaDisable', { token, ...code }],
    ['session', { token }],
    ['sessionRenew', { token }],
    ['sessions', { token }],
    ['sessionsEnd', { token: lone.token }],
    ['sessionEnd', { token, params: { sid } }],
    ['jwks', {}],
    ['contain', { body: alert, headers: { 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET } }],
    ['health', {}],
  ]
  return asked.map(([name, more]) => [name, { ip: address(), ...more }])
}

/** @throws unless somebody can sign in again within three seconds */
async function expectBack(functions: Functions): Promise<void> {
  const until = performance.now() + 3_000
  for (;;) {
    const { status } = await functions.call('health')
    if (status === 200) break
    expect(performance.now()).toBeLessThan(until)
  }
  expect((await functions.signIn()).token).toEqual(expect.any(String))
}

function expectAway(name: string, { status, headers, json }: Answer): void {
  expect([name, status]).toEqual([name, 503])
  expect([name, headers.get('retry-after')]).toEqual([name, expect.stringMatching(/^\d{1,2}$/)])
  if (name === 'health') return
  expect(headers.get('content-type')).toBe('application/problem+json')
  expect(json).toMatchObject({ status: 503, code: 'unavailable' })
}

/** What cannot be answered without each store. A containment asks what it needs of its subject. */
const NEEDS: Readonly<Record<Store, readonly string[]>> = {
  postgres: [
    'account',
    'confirm',
    'health',
    'history',
    'login',
    'mfaConfirm',
    'mfaDisable',
    'mfaEnrol',
    'password',
    'reauth',
    'register',
    'session',
    'sessionsEnd',
  ],
  redis: [
    'account',
    'confirm',
    'health',
    'history',
    'login',
    'logout',
    'mfaConfirm',
    'mfaDisable',
    'mfaEnrol',
    'mfaVerify',
    'password',
    'reauth',
    'register',
    'session',
    'sessionEnd',
    'sessionRenew',
    'sessions',
    'sessionsEnd',
  ],
  tables: ['health', 'history', 'login', 'logout', 'password', 'reauth', 'sessionEnd'],
}

const faults: StoreFault[] = [
  ...networkFaults(STORES),
  ['postgres', 'is out of connections', (proxy) => proxy.answer(() => TOO_MANY_CLIENTS)],
  [
    'redis',
    'is full',
    redisSays("-OOM command not allowed when used memory > 'maxmemory'. script: c21b, on @user_script:9."),
  ],
  ['redis', 'loads its data', redisSays('-LOADING Redis is loading the dataset in memory')],
  ['redis', 'cannot write to its disk', redisSays('-MISCONF Redis is configured to save RDB snapshots')],
  ['redis', 'is a web page', webPage()],
  ['tables', 'answers 503', tablesAnswer(503)],
  ['tables', 'answers 429', tablesAnswer(429)],
  ['tables', 'answers 500', tablesAnswer(500)],
  ['tables', 'asks to be asked again in 30 s', tablesAnswer(503, { 'retry-after': '30' })],
  ['tables', 'asks to be asked again in 120 s', tablesAnswer(503, { 'retry-after': '120' })],
  ['tables', 'is a web page', webPage()],
  ['tables', 'is a web page that says 404', webPage(404)],
  ['tables', 'answers JSON that is cut', tablesAnswer(200, {}, '{"value":[{"Part')],
  ['tables', 'redirects', (proxy) => proxy.answer(httpAnswer(302, { location: 'http://127.0.0.1:1/' }, ''))],
]

// The tests mostly wait, so the stores fail at the same time, each in an app of its own.
describe.concurrent.each(STORES)('a fault of %s', (failing) => {
  const app = startsApp()

  it.sequential.each(faults.filter(([name]) => name === failing))(
    '%s that %s denies on every route in time, and serves when it is back',
    async (store, what, become) => {
      const { functions, proxies } = app()
      await expectBack(functions)
      // It takes its time, so it is not asked in every case.
      const asked = (await requests(functions)).filter(([name]) => name !== 'contain' || /hangs|120/.test(what))
      functions.lines.length = 0
      await become(proxies.of(store))
      try {
        const answers = await Promise.all(
          asked.map(async ([name, more]) => ({ name, ...(await timed(() => functions.call(name, more))) })),
        )
        for (const { name, answer, tookMs } of answers) {
          expect([name, tookMs < (name === 'contain' ? CONTAIN_MS : BUDGET_MS)]).toEqual([name, true])
          if (answer.status >= 500) expectAway(name, answer)
        }
        const away = answers.flatMap(({ name, answer }) => (answer.status === 503 && name !== 'contain' ? [name] : []))
        expect(away.sort()).toEqual(NEEDS[store])
        const health = answers.find(({ name }) => name === 'health')?.answer.json
        const since = { [store]: expect.any(String) }
        expect(health).toMatchObject({ status: 'degraded', stores: { [store]: 'down' }, since })
        const told = JSON.stringify(answers.map(({ answer }) => answer.json))
        expect(told).not.toMatch(/canary|127\.0\.0\.1|ECONN|OOM/)
      } finally {
        await proxies.of(store).pass()
      }
      await expectBack(functions)
    },
  )
})

describe.concurrent('a fault of every store', () => {
  const app = startsApp()

  it('a sign-in is over in time while every store is slow, and answers so', async () => {
    const { functions, proxies } = app()
    await expectBack(functions)
    const [, login] = (await requests(functions)).find(([name]) => name === 'login') ?? []
    for (const store of STORES) await proxies.of(store).slow(700)
    try {
      const { answer, tookMs } = await timed(() => functions.call('login', login ?? {}))
      expect(tookMs).toBeLessThan(BUDGET_MS + 1_000)
      expectAway('login', answer)
    } finally {
      for (const store of STORES) await proxies.of(store).pass()
    }
    await expectBack(functions)
  })
})
