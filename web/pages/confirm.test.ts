import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { problemReply } from '../testing/functions-counterpart.ts'
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
  expect(web.functions.faults).toEqual([])
})

const newLink = (email = 'anna@example.com') => {
  const token = randomBytes(32).toString('base64url')
  web.functions.registrations.set(token, email)
  return token
}

test('opening a link confirms nothing and asks nobody: programs open the links of every mail', async () => {
  const token = newLink()
  for (const path of ['/confirm', `/confirm?token=${token}`]) {
    const page = await web.visitor().get(path)
    expect(page.status).toBe(200)
    expect(page.text).toMatch(/<form method="post" action="\/confirm"[\s\S]*<button>Open my account<\/button>/)
  }
  expect(web.functions.calls).toEqual([])
})

test('the press confirms, and leads to the sign-in with the address filled in, once', async () => {
  const visitor = web.visitor()
  const token = newLink()
  const page = await visitor.post('/confirm', { token: ` ${token} ` })
  expect(page).toMatchObject({ status: 303, location: '/login?notice=confirmed' })
  expect(web.functions.calls).toMatchObject([{ route: 'auth/confirm', data: { token } }])
  const signIn = await visitor.get('/login?notice=confirmed')
  expect(signIn.text).toContain('Your address is confirmed')
  expect(signIn.text).toContain('value="anna@example.com"')
  expect((await visitor.get('/login')).text).not.toContain('anna@example.com')
})

test('the code of a link is in no log, in no URL of ours, and in no page that RUM reports on', async () => {
  const visitor = web.visitor()
  const token = newLink()
  const opened = await visitor.get(`/confirm?token=${token}`)
  expect(opened.headers.get('referrer-policy')).toBe('strict-origin')
  expect(opened.text).toContain('/assets/confirm.js')
  expect(opened.text).not.toContain('rum-')
  await visitor.post('/confirm', { token })
  await visitor.post('/confirm', { token: 'unknown' })
  web.functions.overrides.set('auth/confirm', { status: 500 })
  await visitor.post('/confirm', { token })
  expect(web.lines.join('')).not.toContain(token)
})

test.each(['"><script>', 'a'.repeat(257), ''])(
  'a code that is none (%s) is not written into the page',
  async (token) => {
    const page = await web.visitor().get(`/confirm?${new URLSearchParams({ token })}`)
    expect(page.text).not.toContain('value=')
  },
)

test.each([
  ['a link that does not work', { token: 'unknown' }, undefined, 422, 'This link does not work'],
  ['no code', {}, problemReply('request-malformed'), 400, 'Enter the code.'],
  ['too many tries', { token: 'x' }, problemReply('throttled', { retryAfter: '60' }), 429, 'Try again in 60 seconds.'],
] as const)('%s is said', async (_, fields, reply, status, text) => {
  if (reply) web.functions.overrides.set('auth/confirm', reply)
  const page = await web.visitor().post('/confirm', fields)
  expect([page.status, page.text.includes(text)]).toEqual([status, true])
})

test('a page of another site confirms nothing', async () => {
  const page = await web.visitor().post('/confirm', { token: newLink() }, { 'sec-fetch-site': 'cross-site' })
  expect([page.status, web.functions.calls]).toEqual([403, []])
})

test('in the lab the page after registering leads to the mailbox, at that address; elsewhere to none', async () => {
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
