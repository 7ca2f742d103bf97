import { expect, test } from 'vitest'
import { SAFARI } from '../testing/browser.ts'
import { codeOf, problemReply } from '../testing/functions.ts'
import { sidOf, startWeb, type Web } from '../testing/harness.ts'
import { useWeb } from '../testing/use-web.ts'

let web: Web
useWeb((started) => {
  web = started
})

test('the dashboard shows user, place and start, and lists the user’s other sessions', async () => {
  const account = web.newAccount()
  const visitor = await web.signIn(account)
  const other = await web.signIn(account, web.visitor({ userAgent: SAFARI, ip: '198.51.100.9' }))
  const stranger = await web.signIn(web.newAccount())
  const { text } = await visitor.get('/dashboard')
  expect(text).toContain(account.email)
  expect(text).toContain('<dd>Firefox on Linux</dd>')
  expect(text).toContain('<dd>203.0.113.7</dd>')
  expect(text).toContain(`<code>${sidOf(visitor)}</code>`)
  expect(text).toMatch(/<dd><time datetime="[^"]+Z">[^<]+ UTC<\/time><\/dd>/)
  expect(text).toContain('<strong class="device">Safari on macOS</strong> from 198.51.100.9')
  expect(text).toContain(`name="sid" value="${sidOf(other)}"`)
  expect(text).not.toContain(`name="sid" value="${sidOf(visitor)}"`)
  expect(text).not.toContain(sidOf(stranger))
})

test('a page shows the id of the account while functions does not answer, and does not guess the state of the authenticator', async () => {
  const account = web.newAccount()
  const visitor = await web.signIn(account)
  web.functions.overrides.set('auth/account', { status: 503 })
  for (const path of ['/dashboard', '/account']) {
    const page = await visitor.get(path)
    expect(page.status).toBe(200)
    expect(page.text).toContain(`account ${account.userId}`)
    expect(page.text).not.toContain(account.email)
  }
  const { text } = await visitor.get('/account')
  expect(text).toContain('The state of the app cannot be read right now')
  expect(text).not.toMatch(/action="\/account\/totp/)
})

test('a name is shown as text, whatever functions says', async () => {
  const visitor = await web.signIn(web.newAccount())
  const jsonBody = { id: 'x', email: '<img src=x>@example.com', mfa_enabled: false }
  web.functions.overrides.set('auth/account', { status: 200, jsonBody })
  expect((await visitor.get('/dashboard')).text).toContain('&lt;img src=x&gt;@example.com')
})

test('a session that ends between the page and its name gets the page of an ended session', async () => {
  const visitor = await web.signIn(web.newAccount())
  web.functions.overrides.set('auth/account', problemReply('session-revoked'))
  expect((await visitor.get('/dashboard')).status).toBe(401)
  expect(visitor.jar.has('session')).toBe(false)
})

test('the holder of an ended session sees the reason', async () => {
  const account = web.newAccount()
  const [visitor, other] = [await web.signIn(account), await web.signIn(account)]
  const page = await visitor.post('/dashboard/end', { sid: sidOf(other) })
  expect(page).toMatchObject({ status: 303, location: '/dashboard?notice=ended' })
  const told = await other.get('/dashboard')
  expect(told.status).toBe(401)
  expect(told.text).toContain('You ended this session from another one')
  expect((await visitor.get('/dashboard?notice=ended')).text).toContain('The session is ended')
})

test('a user can neither end a stranger’s session nor learn whether it exists', async () => {
  const victim = await web.signIn(web.newAccount())
  const visitor = await web.signIn(web.newAccount())
  const tried = await visitor.post('/dashboard/end', { sid: sidOf(victim) })
  const unknown = await visitor.post('/dashboard/end', { sid: 'A'.repeat(22) })
  expect([tried.status, unknown.status]).toEqual([404, 404])
  expect((await victim.get('/dashboard')).status).toBe(200)
})

test('a malformed sid does not reach functions', async () => {
  const visitor = await web.signIn(web.newAccount())
  web.functions.calls.length = 0
  for (const sid of ['../../logout', '', 'x', `${'A'.repeat(22)}/end?`]) {
    expect((await visitor.post('/dashboard/end', { sid })).status).toBe(404)
  }
  expect(web.functions.calls).toEqual([])
})

test('a list that cannot be read leaves the rest of the page', async () => {
  const broken = await startWeb((deps) => ({
    sessions: { ...deps.sessions, listByUser: () => Promise.reject(new Error('redis is slow')) },
  }))
  try {
    const visitor = await broken.signIn(broken.newAccount())
    const page = await visitor.get('/dashboard')
    expect(page.status).toBe(200)
    expect(page.text).toContain('The list cannot be read right now')
    expect(page.text).not.toContain('redis is slow')
  } finally {
    await broken.close()
  }
})

test('a new password comes with a new session, and the old token is dead', async () => {
  const account = web.newAccount()
  const visitor = await web.signIn(account)
  const old = visitor.cookie('session')
  const fields = { current_password: account.password, new_password: 'another password, long enough' }
  expect((await visitor.post('/account/password', fields)).location).toBe('/account?notice=password-changed')
  expect((await visitor.get('/account?notice=password-changed')).text).toContain('Your password is changed')
  const thief = web.visitor()
  thief.jar.set('session', old)
  expect((await thief.get('/dashboard')).status).toBe(401)
})

test.each([
  ['login-refused', {}, 403, 'current_password-error', 'This is not your current password.'],
  ['password-weak', { detail: 'Too common.' }, 422, 'new_password-error', 'Too common.'],
  [
    'throttled',
    { retryAfterSeconds: 30 },
    429,
    'current_password-error',
    'Too many attempts. Try again in 30 seconds.',
  ],
  ['request-malformed', {}, 400, 'new_password-error', 'Enter your new password once more.'],
] as const)('a password change answered %s says so beside its field', async (code, more, status, id, words) => {
  const visitor = await web.signIn(web.newAccount())
  web.functions.overrides.set('auth/password', problemReply(code, more))
  const page = await visitor.post('/account/password', { current_password: 'a', new_password: 'b' })
  expect(page.status).toBe(status)
  expect(page.text).toContain(`<p class="error" id="${id}">${words}</p>`)
})

test('after a refused change the field at fault has the focus, and the title says that something is wrong', async () => {
  const account = web.newAccount()
  const visitor = await web.signIn(account)
  const focused = (text: string) => [...text.matchAll(/<input id="([^"]+)"[^>]* autofocus/g)].map(([, id]) => id)
  const wrong = { current_password: 'wrong', new_password: 'another password, long enough' }
  const page = await visitor.post('/account/password', wrong)
  expect([page.status, focused(page.text)]).toEqual([403, ['current_password']])
  expect(page.text).toContain('<title>Error: Account · Mini ATO SaaS</title>')
  const weak = await visitor.post('/account/password', { current_password: account.password, new_password: 'short' })
  expect([weak.status, focused(weak.text)]).toEqual([422, ['new_password']])
  const long = { current_password: account.password, new_password: 'x'.repeat(1025) }
  const tooLong = await visitor.post('/account/password', long)
  expect([tooLong.status, focused(tooLong.text)]).toEqual([400, ['new_password']])
  expect(tooLong.text).toContain('A password has at most 256 characters.')
  const empty = await visitor.post('/account/password', { current_password: '', new_password: 'x' })
  expect(empty.text).toContain('Enter your current password.')
})

test('setting up an authenticator shows the key once, in the answer alone, and takes a code', async () => {
  const account = web.newAccount()
  const visitor = await web.signIn(account)
  await web.stepUp(account, visitor)
  const offer = await visitor.post('/account/totp')
  expect(offer.status).toBe(200)
  expect(offer.headers.get('cache-control')).toBe('no-store')
  const key = keyIn(offer.text)
  expect(offer.text).toContain((key.match(/.{1,4}/g) ?? []).join(' '))
  expect(offer.text).toContain(
    `<a href="otpauth://totp/Mini%20ATO%20SaaS:${encodeURIComponent(account.email)}?secret=${key}&amp;issuer=`,
  )
  const wrong = await visitor.post('/account/totp/confirm', { code: '000000' })
  expect(wrong.status).toBe(403)
  expect(wrong.text).not.toContain(key.slice(0, 4))
  expect(wrong.text).not.toContain('otpauth')
  expect((await visitor.get('/account')).text).toContain('<span class="badge warning">Off</span>')
  expect((await visitor.post('/account/totp/confirm', { code: codeOf(key, web.clock.now()) })).location).toBe(
    '/account?notice=totp-on',
  )
  expect((await visitor.get('/account')).text).toContain('<span class="badge good">On</span>')
  await web.stepUp(account, visitor, await web.functions.codeOf(account))
  expect((await visitor.post('/account/totp/disable')).location).toBe('/account?notice=totp-off')
})

/** The key in the set-up link of a page. */
const keyIn = (text: string): string => /\?secret=([A-Z2-7]{16,})&/.exec(text)?.[1] ?? ''

test('an invalid otpauth address is not made a link', async () => {
  const visitor = await web.signIn(web.newAccount())
  const jsonBody = { secret: 'X', otpauth_uri: 'javascript:alert(1)' }
  web.functions.overrides.set('auth/mfa/enrol', { status: 200, jsonBody })
  const page = await visitor.post('/account/totp')
  expect(page.status).toBe(500)
  expect(page.text).not.toContain('javascript:')
})

test('an action that needs a fresh sign-in leads to the password, to a new session, and back', async () => {
  const account = web.newAccount()
  const visitor = await web.signIn(account)
  const before = sidOf(visitor)
  const prompt = await visitor.post('/account/totp')
  expect(prompt.status).toBe(403)
  expect(prompt.text).toContain('Enter your password again')
  const wrong = await visitor.post('/account/reauth', { password: 'wrong', code: '', place: 'account' })
  expect(wrong.status).toBe(403)
  expect(wrong.text).toContain('This is not your password.')
  const right = await visitor.post('/account/reauth', {
    password: account.password,
    code: '',
    place: 'https://evil.example',
  })
  expect(right).toMatchObject({ status: 303, location: '/account?notice=confirmed' })
  expect(web.functions.calls.at(-1)?.data).toEqual({ password: account.password })
  expect(sidOf(visitor)).not.toBe(before)
  expect((await visitor.post('/account/totp')).status).toBe(200)
})

test.each([
  ['/account/totp', 'auth/mfa/enrol', false, 'Add this account to your app'],
  ['/account/totp/confirm', 'auth/mfa/confirm', false, 'Enter the code that your app shows now.'],
  ['/account/totp/disable', 'auth/mfa/disable', true, '/account?notice=totp-off'],
])('the request at %s continues after the proof', async (path, route, totp, goesOn) => {
  const account = web.newAccount({ totp })
  const visitor = await web.signIn(account)
  const prompt = await visitor.post(path, { code: '123456' })
  expect(prompt.status).toBe(403)
  const [, place = ''] = /name="place" value="([^"]+)"/.exec(prompt.text) ?? []
  const wrong = await visitor.post('/account/reauth', { password: 'wrong', place })
  expect(wrong.text).toContain(`name="place" value="${place}"`)
  const code = totp ? await web.functions.codeOf(account) : ''
  const answer = await visitor.post('/account/reauth', { password: account.password, code, place })
  expect(`${answer.location} ${answer.text}`).toContain(goesOn)
  if (path !== '/account/totp/confirm') {
    expect(web.functions.calls.at(-1)).toMatchObject({ route, token: visitor.jar.get('session') })
  }
})

test('after the proof, a new password needs the form again, as the page states', async () => {
  const account = web.newAccount({ totp: true })
  const visitor = await web.signIn(account)
  web.clock.offsetMs = 16 * 60_000
  const fields = { current_password: account.password, new_password: 'four words of another kind' }
  const prompt = await visitor.post('/account/password', fields)
  expect(prompt.status).toBe(403)
  expect(prompt.text).toContain('Enter your password before you change it.')
  expect(prompt.text).not.toContain(fields.new_password)
  const [, place = ''] = /name="place" value="([^"]+)"/.exec(prompt.text) ?? []
  const code = await web.functions.codeOf(account)
  const { location } = await visitor.post('/account/reauth', { password: account.password, code, place })
  expect((await visitor.get(location ?? '')).text).toContain('Now fill in the form and change your password.')
})

test('a session that functions found ended gets the page of an ended session', async () => {
  const visitor = await web.signIn(web.newAccount())
  web.functions.overrides.set('auth/mfa/enrol', problemReply('session-revoked'))
  const page = await visitor.post('/account/totp')
  expect(page.status).toBe(401)
  expect(page.text).toContain('The session was ended to protect the account')
  expect(visitor.jar.has('session')).toBe(false)
})
