import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sign } from '../shared/signature.ts'
import {
  networkFaults,
  proxyStores,
  redisSays,
  type StoreFault,
  type StoreProxies,
  tablesAnswer,
  timed,
  webPage,
} from '../test/faults/stores.ts'
import type { Page, Visitor } from './testing/browser.ts'
import { sidOf, startWeb, type Web } from './testing/harness.ts'

const STORES = ['redis', 'tables'] as const
type Store = (typeof STORES)[number]
/** Heroku's router waits 30 s. A page waits for its stores no longer than this. */
const BUDGET_MS = 10_000

interface App {
  web: Web
  proxies: StoreProxies<Store>
}

/** An app whose stores can have faults. @returns a function that gives it to the tests of this suite */
function startsApp(): () => App {
  let app: App
  beforeAll(async () => {
    const proxies = await proxyStores(STORES)
    app = { proxies, web: await startWeb(() => ({}), proxies.env) }
  })
  afterAll(async () => {
    await app.web.close()
    await app.proxies.close()
  })
  return () => app
}

type Ask = (visitor: Visitor) => Promise<Page>
const get =
  (path: string): Ask =>
  (visitor) =>
    visitor.get(path)
const post =
  (path: string, fields: Record<string, string> = {}): Ask =>
  (visitor) =>
    visitor.post(path, fields)

/** Every route, as somebody asks it who has a session. */
const ROUTES: Readonly<Record<string, Ask>> = {
  'GET /__health': get('/__health'),
  'GET /__ready': get('/__ready'),
  'GET /icon.svg': get('/icon.svg'),
  'GET /favicon.ico': get('/favicon.ico'),
  'GET /robots.txt': get('/robots.txt'),
  'GET /.well-known/security.txt': get('/.well-known/security.txt'),
  'GET /.well-known/change-password': get('/.well-known/change-password'),
  'GET /session': get('/session'),
  'GET /': get('/'),
  'GET /login': get('/login'),
  'POST /login': post('/login', { email: 'a@example.com', password: 'long enough for a test' }),
  'GET /register': get('/register'),
  'POST /register': post('/register', { email: 'a@example.com', password: 'long enough for a test' }),
  'GET /register/sent': get('/register/sent'),
  'GET /confirm': get('/confirm'),
  'POST /confirm': post('/confirm', { token: 'x'.repeat(43) }),
  'GET /mfa': get('/mfa'),
  'POST /mfa': post('/mfa', { code: '123456' }),
  'GET /dashboard': get('/dashboard'),
  'POST /dashboard/end': (visitor) => visitor.post('/dashboard/end', { sid: sidOf(visitor) }),
  'GET /dashboard/end': get('/dashboard/end'),
  'GET /dashboard/end-others': get('/dashboard/end-others'),
  'POST /dashboard/end-others': post('/dashboard/end-others'),
  'GET /account': get('/account'),
  'GET /account/history': get('/account/history'),
  'POST /account/history': post('/account/history'),
  'GET /account/password': get('/account/password'),
  'GET /account/totp': get('/account/totp'),
  'GET /account/totp/confirm': get('/account/totp/confirm'),
  'GET /account/totp/disable': get('/account/totp/disable'),
  'GET /account/reauth': get('/account/reauth'),
  'POST /account/password': post('/account/password', { current: 'x', next: 'long enough for a test' }),
  'POST /account/totp': post('/account/totp'),
  'POST /account/totp/confirm': post('/account/totp/confirm', { code: '123456' }),
  'POST /account/totp/disable': post('/account/totp/disable', { code: '123456' }),
  'POST /account/reauth': post('/account/reauth', { password: 'x' }),
  'POST /logout': post('/logout'),
}

/** What needs no store: its answer is a file, or comes from functions. */
const NO_REDIS = [
  'GET /__health',
  'GET /icon.svg',
  'GET /favicon.ico',
  'GET /robots.txt',
  'GET /.well-known/security.txt',
  'GET /.well-known/change-password',
]

async function revoke(web: Web, sid: string): Promise<Page> {
  const body = JSON.stringify({
    id: randomUUID(),
    op: 'POST /contain/revoke',
    action: 'revoke',
    sid,
    reason: 'contained',
    detection: 'session-reuse',
    containment_id: randomBytes(16).toString('hex'),
  })
  const signature = sign(body, [web.secrets.hmac], web.clock.now())
  const headers = { 'content-type': 'application/json', 'x-ato-signature': signature }
  const response = await fetch(`${web.origin}/contain/revoke`, { method: 'POST', headers, body })
  return { status: response.status, headers: response.headers, text: await response.text(), location: null }
}

interface Asked {
  route: string
  page: Page
  tookMs: number
}

async function askFor(route: string, ask: () => Promise<Page>): Promise<Asked> {
  const { answer, tookMs } = await timed(ask)
  return { route, page: answer, tookMs }
}

/** A browser of its own for each route, all with one session, while the store has its fault. */
async function askAll(web: Web, become: () => Promise<void>): Promise<Asked[]> {
  const account = web.newAccount()
  const [holder, contained] = [await web.signIn(account), await web.signIn(account)]
  await become()
  const asked = Object.entries(ROUTES).map(([route, ask]) => {
    const visitor = web.visitor()
    for (const [name, value] of holder.jar) visitor.jar.set(name, value)
    return askFor(route, () => ask(visitor))
  })
  return Promise.all([...asked, askFor('POST /contain/revoke', () => revoke(web, sidOf(contained)))])
}

/** @throws unless somebody can sign in and see a page again within three seconds */
async function expectBack(web: Web): Promise<void> {
  const until = performance.now() + 3_000
  while ((await web.visitor().get('/__ready')).status !== 200) expect(performance.now()).toBeLessThan(until)
  const visitor = await web.signIn(web.newAccount())
  expect((await visitor.get('/dashboard')).status).toBe(200)
}

/** What functions may answer, which says itself when to try again: in 2 s, or up to 30 s if its store asks for that. */
const mayAskFunctions = (store: Store, route: string): boolean =>
  store === 'tables' && route.startsWith('POST ') && route !== 'POST /contain/revoke'

function expectAway(store: Store, { route, page: { status, headers, text } }: Asked): void {
  const after = mayAskFunctions(store, route) ? /^(2|5|30)$/ : /^5$/
  expect([route, status, headers.get('retry-after')]).toEqual([route, 503, expect.stringMatching(after)])
  if (route === 'GET /__ready') return
  const isPage = route !== 'POST /contain/revoke'
  expect([route, headers.get('content-type')]).toEqual([
    route,
    isPage ? 'text/html; charset=utf-8' : 'application/problem+json',
  ])
  expect(text).toContain('unavailable')
}

const faults: StoreFault<Store>[] = [
  ...networkFaults(STORES),
  ['redis', 'is a web page', webPage()],
  ['tables', 'is a web page', webPage()],
  ['redis', 'is full', redisSays("-OOM command not allowed when used memory > 'maxmemory'.")],
  ['tables', 'asks to be asked again in 120 s', tablesAnswer(503, { 'retry-after': '120' }, '{}')],
]

// The tests mostly wait, so the stores fail at the same time, each in an app of its own.
describe.concurrent.each(STORES)('a fault of %s', (failing) => {
  const app = startsApp()

  it.sequential('the table has every route', () => {
    expect(Object.keys(ROUTES).sort()).toEqual(app().web.routes().sort())
  })

  it.sequential.each(faults.filter(([name]) => name === failing))(
    '%s that %s denies on every route in time, and serves when it is back',
    async (store, _, become) => {
      const { web, proxies } = app()
      await expectBack(web)
      web.lines.length = 0
      try {
        const answers = await askAll(web, () => become(proxies.of(store)))
        for (const asked of answers) {
          expect([asked.route, asked.tookMs < BUDGET_MS]).toEqual([asked.route, true])
          if (asked.page.status >= 500) expectAway(store, asked)
          expect(asked.page.text).not.toMatch(/canary|127\.0\.0\.1:|ECONN|OOM/)
        }
        const served = answers.filter(({ page }) => page.status < 500).map(({ route }) => route)
        if (store === 'redis') expect(served).toEqual(NO_REDIS)
        const ready = JSON.parse(answers.find(({ route }) => route === 'GET /__ready')?.page.text ?? '')
        const since = { [store]: expect.any(String) }
        expect(ready).toMatchObject({ status: 'unready', parts: { [store]: 'down' }, since })
      } finally {
        await proxies.of(store).pass()
      }
      await expectBack(web)
    },
  )
})
