import { expect, test } from 'vitest'
import { problemReply } from '../testing/functions.ts'
import { sidOf, startWeb, WEB_ORIGIN, type Web } from '../testing/harness.ts'
import { useWeb } from '../testing/use-web.ts'

let web: Web
useWeb((started) => {
  web = started
})

test('a sign-in is one signed call that names the browser, and ends at the dashboard', async () => {
  const account = web.newAccount()
  const visitor = web.visitor({ ip: '6.6.6.6, 2001:DB8:0::7' })
  const hints = '{"screen":[1920,1080,24,1]}'
  const headers = { 'sec-ch-ua-platform': '"Linux"', 'sec-ch-ua-mobile': '?0' }
  const page = await visitor.post('/login', { email: account.email, password: account.password, hints }, headers)
  expect(page).toMatchObject({ status: 303, location: '/dashboard' })
  expect(web.functions.calls).toMatchObject([
    {
      route: 'auth/login',
      token: undefined,
      data: { email: account.email, password: account.password },
      client: { ip: '2001:db8::7', ch: { platform: '"Linux"', mobile: '?0' }, hints },
    },
  ])
  expect(visitor.jar.get('session')?.split('.')).toHaveLength(3)
  const dashboard = await visitor.get('/dashboard')
  expect(dashboard.text).toContain(account.email)
})

test('a wrong password and an unknown account get the same page, with the error beside the field', async () => {
  const account = web.newAccount()
  const wrong = await web.visitor().post('/login', { email: account.email, password: 'wrong' })
  const unknown = await web.visitor().post('/login', { email: 'nobody@example.com', password: 'wrong' })
  expect(wrong.status).toBe(403)
  expect(unknown.status).toBe(403)
  expect(wrong.text.replaceAll(account.email, '*')).toBe(unknown.text.replaceAll('nobody@example.com', '*'))
  expect(wrong.text).toMatch(/id="password"[^>]* aria-describedby="password-error" aria-invalid="true"/)
  expect(wrong.text).toContain('Email or password is not right')
  expect(wrong.text).toContain(`value="${account.email}"`)
  expect(wrong.headers.getSetCookie()).toEqual([])
})

test('typed text is shown as text, never as markup; the password is never shown', async () => {
  const email = '"><script>alert(1)</script>'
  const page = await web.visitor().post('/login', { email, password: 'canary-typed-password' })
  expect(page.text).toContain('value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"')
  expect(page.text).not.toContain('<script>')
  expect(page.text).not.toContain('canary-typed-password')
})

test.each([
  [
    { email: `${'a'.repeat(1100)}@example.com`, password: 'x' },
    'email',
    'An email address has at most 254 characters.',
  ],
  [{ email: 'a@example.com', password: '' }, 'password', 'Enter a password.'],
  [{ email: 'a@example.com', password: 'x'.repeat(1100) }, 'password', 'A password has at most 256 characters.'],
])(
  'a login that cannot be read is explained beside the field at fault, which has the focus',
  async (login, id, words) => {
    for (const path of ['/login', '/register']) {
      const page = await web.visitor().post(path, login)
      expect(page.status).toBe(400)
      expect(page.text).toContain(`<p class="error" id="${id}-error">${words}</p>`)
      expect([...page.text.matchAll(/<input id="([^"]+)"[^>]* autofocus/g)].map(([, name]) => name)).toEqual([id])
      expect(page.text).toMatch(/<title>Error: /)
    }
  },
)

test.each(['a@b', 'a@127.0.0.1', 'a@-b.example', 'a@b..example'])(
  'no account is requested for %s, to which no mail can go',
  async (email) => {
    const page = await web.visitor().post('/register', { email, password: 'four words of another kind' })
    expect(page.status).toBe(400)
    expect(page.text).toContain('Enter an email address such as name@example.com.')
  },
)

test('a registration that is corrected begins with the address that was typed', async () => {
  const visitor = web.visitor()
  await visitor.post('/register', { email: 'typo@example.com', password: 'four words of another kind' })
  expect((await visitor.get('/register')).text).toContain('value="typo@example.com"')
})

test('a throttled visitor sees how long to wait', async () => {
  web.functions.overrides.set('auth/login', problemReply('throttled', { retryAfterSeconds: 600 }))
  const page = await web.visitor().post('/login', { email: 'a@example.com', password: 'x' })
  expect(page.status).toBe(429)
  expect(page.headers.get('retry-after')).toBe('600')
  expect(page.text).toContain('Try again in 10 minutes')
})

test.each([
  ['without a password', { email: 'a@example.com' }, {}, 400],
  ['without anything', {}, {}, 400],
  ['with a field twice', undefined, {}, 400],
  ['as JSON', {}, { 'content-type': 'application/json' }, 400],
])('an attempt %s reaches functions, which counts it', async (_name, fields, headers, status) => {
  const page = fields
    ? await web.visitor().post('/login', fields, headers)
    : await rawPost('email=a%40example.com&password=a&password=b')
  expect(page.status).toBe(status)
  expect(web.functions.calls.map(({ route }) => route)).toEqual(['auth/login'])
  expect(web.functions.calls[0]?.data).not.toHaveProperty('password')
})

test('an attempt of a megabyte is an attempt: counted by functions, answered 413', async () => {
  const page = await rawPost(`email=a%40example.com&password=${'x'.repeat(2 ** 20)}`)
  expect(page.status).toBe(413)
  expect(web.functions.calls).toMatchObject([{ route: 'auth/login', data: {} }])
})

const rawPost = (body: string, headers: Record<string, string> = {}) =>
  fetch(`${web.origin}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-for': '203.0.113.7', ...headers },
    body,
    redirect: 'manual',
  })

test('the guesses of a tool that is not a browser are counted', async () => {
  expect((await rawPost('email=a%40example.com&password=guess')).status).toBe(403)
  expect(web.functions.calls).toHaveLength(1)
})

test.each([[{ 'sec-fetch-site': 'cross-site' }], [{ origin: 'https://evil.example' }], [{ origin: 'null' }]])(
  'a sign-in by another site (%j) is refused before anything is read',
  async (headers) => {
    const account = web.newAccount()
    const body = new URLSearchParams({ email: account.email, password: account.password }).toString()
    const page = await rawPost(body, headers)
    expect(page.status).toBe(403)
    expect(page.headers.getSetCookie()).toEqual([])
    expect(web.functions.calls).toEqual([])
  },
)

test('our own form in a browser without Sec-Fetch-Site is let through by its Origin', async () => {
  expect((await rawPost('email=a%40example.com&password=x', { origin: WEB_ORIGIN })).status).toBe(403)
})

test('an account with an authenticator needs the code; the half session opens nothing', async () => {
  const account = web.newAccount({ totp: true })
  const visitor = web.visitor()
  expect((await visitor.post('/login', { email: account.email, password: account.password })).location).toBe('/mfa')
  expect(visitor.jar.has('session')).toBe(false)
  expect((await visitor.get('/dashboard')).location).toBe('/login')

  const form = await visitor.get('/mfa')
  expect(form.text).toContain('autocomplete="one-time-code"')
  const wrong = await visitor.post('/mfa', { code: '000000' })
  expect(wrong.status).toBe(403)
  expect(wrong.text).toContain('The code is not right')
  expect(visitor.jar.has('session')).toBe(false)

  const code = (await web.functions.codeOf(account)).replace(/(?<=^...)/, ' ')
  expect((await visitor.post('/mfa', { code })).location).toBe('/dashboard')
  expect(visitor.jar.has('mfa')).toBe(false)
  expect((await visitor.get('/account')).text).toContain('<span class="badge good">On</span>')
})

test('the code page is for those who gave a password', async () => {
  expect(await web.visitor().get('/mfa')).toMatchObject({ status: 303, location: '/login' })
  const page = await web.visitor().post('/mfa', { code: '123456' })
  expect(page.status).toBe(400)
  expect(page.text).toContain('or start again')
})

test('a sign-in ends the session that the browser came with, so that a planted one does not live on', async () => {
  const planted = await web.signIn(web.newAccount())
  const before = sidOf(planted)
  const owner = web.newAccount()
  await web.signIn(owner, planted)
  expect(sidOf(planted)).not.toBe(before)
  expect(await web.deps.sessions.read(before, web.clock.now())).toBeUndefined()
})

test('a visitor who is signed in is not asked again', async () => {
  const visitor = await web.signIn(web.newAccount())
  for (const path of ['/', '/login', '/register']) expect((await visitor.get(path)).location).toBe('/dashboard')
})

test('a registration leads to the same page about a mail for every address', async () => {
  const fields = { email: 'New@example.com', password: 'a password that is long' }
  const visitor = web.visitor()
  const page = await visitor.post('/register', fields)
  expect(page).toMatchObject({ status: 303, location: '/register/sent' })
  expect(web.functions.calls).toMatchObject([{ route: 'auth/register', data: fields }])
  expect((await visitor.get('/register/sent')).text).toContain('on its way to <strong>new@example.com</strong>')
  expect((await web.visitor().get('/register/sent')).text).toContain('on its way to your address')
})

test('the reason for a weak password is shown beside the field, in the words of functions', async () => {
  web.functions.overrides.set(
    'auth/register',
    problemReply('password-weak', { detail: 'Use at least 15 <characters>.' }),
  )
  const page = await web.visitor().post('/register', { email: 'new@example.com', password: 'short' })
  expect(page.status).toBe(422)
  expect(page.text).toContain('<p class="error" id="password-error">Use at least 15 &lt;characters&gt;.</p>')
  expect(page.text).toContain('value="new@example.com"')
})

test('only known notices are shown, whatever the query says', async () => {
  const page = await web.visitor().get('/login?notice=%3Cscript%3E&notice=x')
  expect(page.status).toBe(200)
  expect(page.text).not.toContain('class="notice')
  expect((await web.visitor().get('/login?notice=constructor')).text).not.toContain('class="notice')
})

test.each([
  ['answers 503 without a body', { status: 503 } as const, 503],
  ['answers another host’s 404', { status: 404 } as const, 503],
  ['answers with a page', { status: 200, body: '<!doctype html>' } as const, 503],
  ['answers 200 with nonsense', { status: 200, jsonBody: { hello: 1 } } as const, 500],
  ['refuses our signature', problemReply('call-refused'), 500],
])('functions that %s is a page with a request id, and nothing of the cause', async (_name, reply, status) => {
  web.functions.overrides.set('auth/login', reply)
  const page = await web.visitor().post('/login', { email: 'a@example.com', password: 'x' })
  expect(page.status).toBe(status)
  expect(page.text).toMatch(/request <code>[0-9a-f-]{36}<\/code>/)
  expect(page.text).not.toContain('signed call')
})

test('functions that cannot be reached is a 503 with Retry-After', async () => {
  const alone = await startWeb()
  try {
    await alone.functions.close()
    const page = await alone.visitor().post('/login', { email: 'a@example.com', password: 'canary-unreached' })
    expect(page.status).toBe(503)
    expect(page.headers.get('retry-after')).toBe('5')
    expect(alone.lines.join()).toContain('functions could not be reached')
    expect(alone.lines.join()).not.toContain('canary-unreached')
  } finally {
    await alone.close()
  }
})

test('a browser keeps a token of each account, and shows them at the next sign-in and code', async () => {
  const [anna, ben] = [web.newAccount(), web.newAccount({ totp: true })]
  const visitor = web.visitor()
  const page = await visitor.post('/login', { email: anna.email, password: anna.password })
  const device = page.headers.getSetCookie().find((line) => line.startsWith('device='))
  expect(device).toMatch(/^device=d1\.[^;]+; Max-Age=15552000; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/)
  const first = visitor.jar.get('device')
  await visitor.post('/login', { email: ben.email, password: ben.password })
  expect(visitor.jar.get('device')).toBe(first)
  await visitor.post('/mfa', { code: await web.functions.codeOf(ben) })
  const both = visitor.jar.get('device') ?? ''
  expect(both.split('~')).toEqual([expect.stringMatching(/^d1\./), first])
  await visitor.post('/logout')
  expect(visitor.jar.get('device')).toBe(both)
  await visitor.post('/login', { email: anna.email, password: anna.password })
  expect(visitor.jar.get('device')?.split('~')).toHaveLength(2)
  expect(web.functions.calls.filter(({ route }) => /login|verify/.test(route)).map(({ data }) => data)).toMatchObject([
    { remember_device: true },
    { device_token: first, remember_device: true },
    { device_token: first, remember_device: true },
    { device_token: both, remember_device: true },
  ])
  expect(web.functions.calls[0]?.data).not.toHaveProperty('device_token')
})

test('no device cookie prevents a sign-in', async () => {
  const account = web.newAccount()
  for (const cookie of ['~'.repeat(4000), 'x', 'd1.~d1.', '"quoted"']) {
    const visitor = web.visitor()
    visitor.jar.set('device', cookie)
    const page = await visitor.post('/login', { email: account.email, password: account.password })
    expect(page.location).toBe('/dashboard')
    expect(visitor.jar.get('device')).toMatch(/^d1\.[^~]+$/)
  }
})
