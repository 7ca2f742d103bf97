import http from 'node:http'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCookies } from './cookies.ts'
import { sidOf, startWeb, WEB_ORIGIN, type Web } from './testing/harness.ts'

let web: Web
beforeAll(async () => {
  web = await startWeb()
})
afterAll(() => web.close())

const PUBLIC = [
  'GET /__health',
  'GET /__ready',
  'GET /icon.svg',
  'GET /favicon.ico',
  'GET /robots.txt',
  'GET /.well-known/change-password',
  'GET /.well-known/security.txt',
  'GET /session',
  'GET /',
  'GET /login',
  'POST /login',
  'GET /register',
  'POST /register',
  'GET /register/sent',
  'GET /confirm',
  'POST /confirm',
  'GET /mfa',
  'POST /mfa',
]

test('every route that is not public denies a visitor without a session', async () => {
  const guarded = web.routes().filter((route) => !PUBLIC.includes(route))
  expect(guarded.length).toBe(19)
  web.functions.calls.length = 0
  for (const route of guarded) {
    const [method, path = ''] = route.split(' ')
    const page = method === 'GET' ? await web.visitor().get(path) : await web.visitor().post(path)
    expect([route, page.status, page.location]).toEqual(method === 'GET' ? [route, 303, '/login'] : [route, 401, null])
  }
  expect(web.functions.calls).toEqual([])
})

test('a route is spelled in one way only', async () => {
  for (const path of ['/Dashboard', '/dashboard/', '/CONTAIN/revoke', '/contain/revoke/']) {
    expect((await web.visitor().get(path)).status).toBe(404)
    expect((await web.visitor().post(path)).status).toBe(404)
  }
  expect((await web.visitor().get('/contain/revoke')).status).toBe(404)
})

test('every page forbids unneeded browser features and caching', async () => {
  for (const path of ['/', '/login', '/nowhere']) {
    const { headers } = await web.visitor().get(path)
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none';script-src 'self';style-src 'self';img-src 'self';connect-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'",
    )
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('same-origin')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-powered-by')).toBeNull()
    expect(headers.get('etag')).toBeNull()
    expect(headers.get('strict-transport-security')).toBeNull()
  }
})

test('on https the transport is pinned and the cookies are __Host-', async () => {
  const webOrigin = 'https://app.example.com'
  const secure = await startWeb(() => ({ webOrigin, lab: false, cookies: createCookies(webOrigin) }))
  try {
    const { email, password } = secure.newAccount()
    const page = await secure.visitor().post('/login', { email, password })
    expect(page.headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains')
    for (const cookie of page.headers.getSetCookie()) {
      expect(cookie).toMatch(/^__Host-(session|mfa|device)=[^;]*;.* Path=\/;.*HttpOnly; Secure; SameSite=Lax$/)
    }
    const local = { 'sec-fetch-site': '', origin: 'http://localhost:8000' }
    expect((await secure.visitor().post('/login', { email, password }, local)).status).toBe(403)
  } finally {
    await secure.close()
  }
})

test('no page has anything inline, and every form posts to this site', async () => {
  const account = web.newAccount()
  const visitor = await web.signIn(account)
  await web.stepUp(account, visitor)
  const pages = [
    ...(await Promise.all(['/', '/login', '/register', '/nowhere'].map((path) => web.visitor().get(path)))),
    await visitor.get('/dashboard'),
    await visitor.get('/account'),
    await visitor.post('/account/totp'),
  ]
  for (const { text } of pages) {
    expect(text).not.toMatch(/<style|\sstyle=|\son[a-z]+=|javascript:/i)
    const { device, pending, watch } = web.deps.assets.files
    const scripts = text.includes('action="/logout"') ? [device, pending, watch] : [device, pending]
    expect(text.match(/<script[^>]*>[^<]*/g)).toEqual(scripts.map((path) => `<script type="module" src="${path}">`))
    for (const action of text.matchAll(/action="([^"]*)"/g)) expect(action[1]).toMatch(/^\/[a-z]/)
    for (const id of text.matchAll(/<input id="([^"]+)"/g)) expect(text).toContain(`<label for="${id[1]}"`)
  }
})

test('in the lab the first page says what to do, and leads to the mailbox and the console', async () => {
  expect((await web.visitor().get('/')).text).not.toContain('You are in the lab')
  const lab = await startWeb(() => ({ mailboxUrl: 'http://127.0.0.1:8126/mail' }))
  try {
    const { text } = await lab.visitor().get('/')
    expect(text).toContain('<a href="http://127.0.0.1:8126/mail">')
    expect(text).toContain('<a href="http://127.0.0.1:8126/">the console</a>')
  } finally {
    await lab.close()
  }
})

test('pages and redirects never contain the Host header', async () => {
  const headers = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'gopher' }
  const redirect = await web.visitor().get('/dashboard', headers)
  expect(redirect.location).toBe('/login')
  expect((await web.visitor().get('/login', headers)).text).not.toContain('evil.example')
})

test('well-known files for browsers and crawlers are answered', async () => {
  const visitor = web.visitor()
  expect(await visitor.get('/favicon.ico')).toMatchObject({ status: 308, location: '/icon.svg' })
  expect(await visitor.get('/.well-known/change-password')).toMatchObject({ status: 303, location: '/account' })
  const robots = await visitor.get('/robots.txt')
  expect([robots.headers.get('content-type'), robots.text]).toEqual([
    'text/plain; charset=utf-8',
    'User-agent: *\nDisallow: /\nAllow: /$\n',
  ])
})

test('whoever finds a vulnerability is told whom to tell, where one is named', async () => {
  const path = '/.well-known/security.txt'
  expect((await web.visitor().get(path)).status).toBe(404)
  const contact = 'mailto:security@example.com'
  const named = await startWeb(undefined, { SECURITY_CONTACT: contact })
  try {
    const { headers, text } = await named.visitor().get(path)
    const fields = Object.fromEntries(text.split('\n').map((line) => line.split(': ')))
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(fields).toMatchObject({ Contact: contact, Canonical: `${WEB_ORIGIN}${path}` })
    const days = (Date.parse(fields.Expires) - Date.now()) / 86_400_000
    expect([days > 30, days < 365]).toEqual([true, true])
  } finally {
    await named.close()
  }
})

test.each([
  ...['/account/password', '/account/history', '/account/totp', '/account/totp/confirm', '/account/totp/disable'],
  ...['/account/reauth', '/dashboard/end', '/dashboard/end-others'],
])('the address %s, typed or reloaded after its form, leads to its page', async (path) => {
  const visitor = await web.signIn(web.newAccount())
  const [, page] = path.split('/')
  expect(await visitor.get(path)).toMatchObject({ status: 303, location: `/${page}` })
  expect(await web.visitor().get(path)).toMatchObject({ status: 303, location: '/login' })
})

test('a first visit costs at most 30 KB, compressed', async () => {
  const { text } = await web.visitor().get('/')
  const paths = ['/', ...[...text.matchAll(/(?:href|src)="(\/(?:assets\/|icon)[^"]+)"/g)].map(([, path = '']) => path)]
  expect(paths.length).toBeGreaterThan(3)
  const answers = await Promise.all(paths.map((path) => sentOf(path)))
  // What is smaller than a kilobyte is sent as it is.
  const compressed = paths.filter((_, n) => answers[n]?.encoding === 'br')
  expect(compressed).toEqual(['/', web.deps.assets.files.style])
  expect(answers.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(30_000)
})

/** What the network carries, which `fetch` does not show. */
const sentOf = (path: string) =>
  new Promise<{ encoding: string | undefined; bytes: number }>((resolve, reject) => {
    const headers = { 'accept-encoding': 'gzip, br' }
    http
      .get(web.origin + path, { headers }, async (response) => {
        const bytes = (await buffer(response)).length
        resolve({ encoding: response.headers['content-encoding'], bytes })
      })
      .on('error', reject)
  })

test('the style and the icon are served, and the source of the script is not', async () => {
  const { style: stylePath, device } = web.deps.assets.files
  const style = await web.visitor().get(stylePath)
  expect(style.headers.get('content-type')).toContain('text/css')
  expect((await web.visitor().get('/icon.svg')).headers.get('content-type')).toContain('image/svg+xml')
  for (const map of [`${device}.map`, `${stylePath}.map`]) {
    expect((await web.visitor().get(map)).status).toBe(404)
    expect((await web.visitor().get(map.slice(0, -4))).text).not.toContain('sourceMappingURL')
  }
  expect((await web.visitor().get('/assets/../server.ts')).status).toBe(404)
  expect((await web.visitor().get('/assets/%2e%2e/server.ts')).status).toBeGreaterThanOrEqual(400)
})

test.each([
  ['/%zz', 404],
  ['/assets/%zz', 404],
  ['/login/%00', 404],
  ['/__proto__', 404],
])('an address like %s is a page with its status, and no fault of ours', async (path, status) => {
  web.lines.length = 0
  expect((await web.visitor().get(path)).status).toBe(status)
  expect(web.lines.filter((line) => line.includes('"level":"error"'))).toEqual([])
})

test('an error is problem+json for a client that asks for JSON, with the same facts as the page', async () => {
  const json = await web.visitor().get('/nowhere', { accept: 'application/problem+json' })
  const document = JSON.parse(json.text)
  expect(document).toMatchObject({ status: 404, title: 'There is nothing here', code: 'not-found' })
  const page = await web.visitor().get('/nowhere')
  expect(page.text).toContain('There is nothing here')
  expect(page.text).toContain('Status 404')
})

test('web is healthy while its stores are not, and ready only with every part', async () => {
  const down = await startWeb((deps) => ({
    probes: { ...deps.probes, tables: () => Promise.reject(new Error('down')), redis: () => new Promise(() => {}) },
  }))
  try {
    const health = await down.visitor().get('/__health')
    expect([health.status, JSON.parse(health.text)]).toEqual([200, { status: 'ok' }])
    const startedAt = performance.now()
    const ready = await down.visitor().get('/__ready')
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    const since = expect.stringMatching(/^\d{4}-\d\d-\d\dT/)
    const parts = { redis: 'down', tables: 'down', functions: 'up' }
    expect([ready.status, ready.headers.get('retry-after'), JSON.parse(ready.text)]).toEqual([
      503,
      '5',
      { status: 'unready', parts, since: { redis: since, tables: since } },
    ])
  } finally {
    await down.close()
  }
  const ready = await web.visitor().get('/__ready')
  expect([ready.status, JSON.parse(ready.text)]).toEqual([
    200,
    { status: 'ready', parts: { redis: 'up', tables: 'up', functions: 'up' } },
  ])
  web.functions.state.up = false
  try {
    expect((await web.visitor().get('/__ready')).status).toBe(503)
  } finally {
    web.functions.state.up = true
  }
})

test('a 10 kB user agent with control characters is one line of log, within the contract', async () => {
  web.lines.length = 0
  const visitor = await web.signIn(
    web.newAccount(),
    web.visitor({ userAgent: `\t"quoted" \u00e9 ${'x'.repeat(10_000)}` }),
  )
  await visitor.get('/dashboard')
  for (const line of web.lines) {
    expect(line.trimEnd()).not.toContain('\n')
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(4096)
  }
  expect(web.events().length).toBeGreaterThan(0)
})

test('no password, code, token, cookie, key or signature is in any line of log or in any address', async () => {
  web.lines.length = 0
  const account = web.newAccount({ totp: true })
  const canaries = { email: account.email, password: account.password }
  const visitor = web.visitor()
  const locations: (string | null)[] = []
  const go = async (path: string, fields: Record<string, string>) => {
    locations.push((await visitor.post(path, fields)).location)
  }
  await go('/login', { ...canaries, password: 'canary-wrong-password' })
  await go('/login', canaries)
  const pending = visitor.cookie('mfa')
  await go('/mfa', { code: '424242' })
  const codes = [await web.functions.codeOf(account)]
  await go('/mfa', { code: codes.join() })
  const tokens = [visitor.cookie('session')]
  await go('/account/totp/confirm', { code: '424242' })
  codes.push(await web.functions.codeOf(account))
  await go('/account/reauth', { password: account.password, code: codes.slice(1).join() })
  tokens.push(visitor.cookie('session'))
  await go('/account/totp/disable', {})
  await web.stepUp(account, visitor)
  const offer = await visitor.post('/account/totp')
  const [, grouped = ''] = /((?:[A-Z2-7]{4} ){3,}[A-Z2-7]+)/.exec(offer.text) ?? []
  const key = grouped.replaceAll(' ', '')
  expect(key.length).toBeGreaterThanOrEqual(16)
  tokens.push(visitor.cookie('session'))
  await go('/account/password', { current_password: account.password, new_password: 'canary-new-password-1' })
  tokens.push(visitor.cookie('session'))
  await go('/dashboard/end', { sid: sidOf(visitor).replace(/^./, '_') })
  await go('/nowhere', canaries)
  await visitor.get(`/nowhere?password=${account.password}`)
  web.functions.overrides.set('auth/login', { status: 500 })
  await go('/login', canaries)
  web.functions.overrides.clear()
  await go('/logout', {})

  expect(web.functions.calls.length).toBeGreaterThan(8)
  expect(web.lines.length).toBeGreaterThan(3)
  const written = web.lines.join('') + locations.join(' ')
  const secrets = [account.password, 'canary-', '"424242"', ...codes.map((code) => `"${code}"`), key, pending]
  secrets.push(...tokens, ...Object.values(web.secrets))
  for (const secret of secrets) expect(written).not.toContain(secret)
  for (const token of tokens) expect(written).not.toContain(token.split('.')[2])
  expect(written).not.toMatch(/v1=[0-9a-f]/)
})
