import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { problemReply } from '../testing/functions.ts'
import { startWeb, type Web } from '../testing/harness.ts'

const MAILBOX = 'http://127.0.0.1:8126/mail'
const RUM = { RUM_APP_ID: '1ab00000-0000-4000-8000-000000000001', RUM_CLIENT_TOKEN: 'publab00000000000000000000000000' }

let web: Web
beforeAll(async () => {
  web = await startWeb(() => ({}), { LAB_MAILBOX_URL: MAILBOX, ...RUM })
})
afterAll(() => web.close())
afterEach(() => {
  web.functions.calls.length = 0
  web.functions.overrides.clear()
  expect(web.functions.refusedCalls()).toEqual([])
})

const PASSWORD = 'canary password that is long'
/** A registration that waits: the token of its mail, and what the browser that registered keeps. */
const newLink = async () => {
  const email = `${randomUUID()}@example.com`
  const visitor = web.visitor()
  await visitor.post('/register', { email, password: PASSWORD })
  const mail = web.functions.mails.find(({ to }) => to === email)
  const [, token = ''] = /#token=(\S+)/.exec(mail?.text ?? '') ?? []
  web.functions.calls.length = 0
  return { email, token, registration: visitor.jar.get('registration') ?? '' }
}
const registrant = ({ registration }: { registration: string }) => {
  const visitor = web.visitor()
  visitor.jar.set('registration', registration)
  return visitor
}

test('opening a link confirms nothing and calls no host, because programs open links of mails', async () => {
  const link = await newLink()
  const { token } = link
  for (const path of ['/confirm', `/confirm?token=${token}`]) {
    for (const [visitor, asks] of [
      [registrant(link), false],
      [web.visitor(), true],
    ] as const) {
      const page = await visitor.get(path)
      expect(page.status).toBe(200)
      expect(page.text).toMatch(/<form method="post" action="\/confirm"[\s\S]*<button>Open my account<\/button>/)
      expect(page.text).toContain('If you did not register, close this page: no account opens.')
      expect(/type="password" autocomplete="current-password" required/.test(page.text)).toBe(asks)
    }
  }
  expect(web.functions.calls).toEqual([])
})

test('the press of the browser that registered confirms, and leads to the sign-in with the address filled in, once', async () => {
  const { email, token, registration } = await newLink()
  const visitor = registrant({ registration })
  const page = await visitor.post('/confirm', { token: ` ${token} ` })
  expect(page).toMatchObject({ status: 303, location: '/login?notice=confirmed' })
  expect(web.functions.calls).toMatchObject([{ route: 'auth/confirm', data: { token, registration } }])
  expect(visitor.jar.has('registration')).toBe(false)
  const signIn = await visitor.get('/login?notice=confirmed')
  expect(signIn.text).toContain('Your address is confirmed')
  expect(signIn.text).toContain(`value="${email}"`)
  expect((await visitor.get('/login')).text).not.toContain(email)
})

test('registering leaves a proof in the browser, for a day and for no script, and the newest one counts', async () => {
  const visitor = web.visitor()
  const kept = []
  for (const email of ['anna@example.com', 'ben@example.com']) {
    const page = await visitor.post('/register', { email, password: PASSWORD })
    expect(page.headers.getSetCookie().find((line) => line.startsWith('registration='))).toMatch(
      /^registration=[\w-]{22}; Max-Age=86400; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/,
    )
    kept.push(visitor.jar.get('registration'))
  }
  expect(kept[1]).not.toBe(kept[0])
  await visitor.post('/register', { email: 'carl@example.com', password: 'short' })
  expect(visitor.jar.get('registration')).toBe(kept[1])
})

test('another browser confirms by the password that was registered, and by no other', async () => {
  const [{ token }, newer] = [await newLink(), await newLink()]
  for (const visitor of [web.visitor(), registrant(newer)]) {
    const pressed = await visitor.post('/confirm', { token })
    expect([pressed.status, pressed.text.includes('name="password"')]).toEqual([422, true])
    expect(pressed.text).toContain('Enter the password')
    const wrong = await visitor.post('/confirm', { token, password: 'another password, as long' })
    expect([wrong.status, wrong.text.includes('Either the password is not the one that you chose')]).toEqual([
      422,
      true,
    ])
    expect(wrong.text).not.toContain('another password, as long')
    expect(wrong.text).toContain(`value="${token}"`)
  }
  const visitor = registrant(newer)
  const page = await visitor.post('/confirm', { token, password: PASSWORD })
  expect(page).toMatchObject({ status: 303, location: '/login?notice=confirmed' })
  expect(web.functions.calls.at(-1)?.data).toEqual({ token, password: PASSWORD })
  expect(visitor.jar.get('registration')).toBe(newer.registration)
})

test('the code of a link, its proof and its password are in no log, in no URL of ours, in no page that RUM reports on', async () => {
  const { token, registration } = await newLink()
  const visitor = registrant({ registration })
  const opened = await visitor.get(`/confirm?token=${token}`)
  expect(opened.headers.get('referrer-policy')).toBe('strict-origin')
  expect(opened.text).toMatch(/src="\/assets\/confirm-[A-Z0-9]{8}\.js"/)
  expect(opened.text).not.toContain('rum-')
  await visitor.post('/confirm', { token })
  await visitor.post('/confirm', { token: 'unknown' })
  web.functions.overrides.set('auth/confirm', { status: 500 })
  await visitor.post('/confirm', { token })
  await visitor.post('/confirm', { token, password: PASSWORD })
  for (const secret of [token, registration, PASSWORD]) expect(web.lines.join('')).not.toContain(secret)
})

test.each(['"><script>', 'a'.repeat(257), ''])('a malformed code (%s) is not written into the page', async (token) => {
  const page = await web.visitor().get(`/confirm?${new URLSearchParams({ token })}`)
  expect(page.text).not.toContain('value=')
})

test.each([
  ['a link that does not work', { token: 'unknown' }, undefined, 422, 'the link was used already or is older'],
  ['one with a password', { token: 'unknown', password: 'x' }, undefined, 422, 'No account was opened.'],
  ['an empty password', { token: 'unknown', password: '' }, undefined, 422, 'Enter the password'],
  ['no code', {}, undefined, 400, 'Enter the code.'],
  [
    'too many tries',
    { token: 'x' },
    problemReply('throttled', { retryAfterSeconds: 60 }),
    429,
    'Try again in 60 seconds.',
  ],
] as const)('%s has its own message', async (_, fields, reply, status, text) => {
  if (reply) web.functions.overrides.set('auth/confirm', reply)
  const page = await web.visitor().post('/confirm', fields)
  expect([page.status, page.text.includes(text)]).toEqual([status, true])
})

test('a page of another site confirms nothing', async () => {
  const link = await newLink()
  const page = await registrant(link).post('/confirm', { token: link.token }, { 'sec-fetch-site': 'cross-site' })
  expect([page.status, web.functions.calls]).toEqual([403, []])
})

test('in the lab the page after registering links to the mailbox of the address; elsewhere it does not', async () => {
  const visitor = web.visitor()
  await visitor.post('/register', { email: 'a+b&c@example.com', password: 'a password that is long' })
  expect((await visitor.get('/register/sent')).text).toContain(`href="${MAILBOX}"`)
  await visitor.post('/register', { email: 'A+b@example.com', password: 'a password that is long' })
  expect((await visitor.get('/register/sent')).text).toContain(`href="${MAILBOX}?to=a%2Bb%40example.com"`)
  visitor.jar.set('address', '"><script>')
  expect((await visitor.get('/register/sent')).text).not.toContain('<script>')

  const elsewhere = await startWeb()
  const other = elsewhere.visitor()
  await other.post('/register', { email: 'anna@example.com', password: 'a password that is long' })
  expect((await other.get('/register/sent')).text).not.toContain('mailbox</a>')
  await elsewhere.close()
})
