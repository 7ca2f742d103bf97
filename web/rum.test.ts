import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { DATADOG_SITES } from '../shared/config.ts'
import { intakeOf, type RumSettings } from './rum.ts'
import type { Page, Visitor } from './testing/browser.ts'
import { sidOf, startWeb, WEB_ORIGIN, type Web } from './testing/harness.ts'

const RUM_APP_ID = 'b9a3a3a0-6f0e-4c8e-9a55-3d6f0f0f7a11'
const RUM_CLIENT_TOKEN = 'pub0123456789abcdef0123456789abcdef'
const HOSTILE = '</script><script>alert(1)</script><!-- \u2028 "&'
const SESSION = 'a3c1f0de-5b7a-4c11-8f2e-0d9a6b7c8e1f'

let web: Web
let plain: Web
beforeAll(async () => {
  const environment = { RUM_APP_ID, RUM_CLIENT_TOKEN, DD_SITE: 'us5.datadoghq.com', DD_VERSION: HOSTILE }
  ;[web, plain] = await Promise.all([startWeb(undefined, environment), startWeb()])
})
beforeEach(() => {
  web.functions.calls.length = 0
  web.functions.overrides.clear()
})
afterAll(async () => {
  await Promise.all([web.close(), plain.close()])
})

const element = ({ text }: Page) => /<script type="application\/json" id="rum"([^>]*)>(.*?)<\/script>/s.exec(text)
const settingsOf = (page: Page): RumSettings => JSON.parse(element(page)?.[2] ?? 'null')
const toldBy = (page: Page) => element(page)?.[1]?.trim()
const policyOf = ({ headers }: Page) => headers.get('content-security-policy') ?? ''
const agree = async (visitor: Visitor = web.visitor()): Promise<Visitor> => {
  await visitor.post('/consent', { consent: 'granted' })
  return visitor
}

test('without a configuration there is no script, no question, no origin and no route', async () => {
  const page = await plain.visitor().get('/login')
  expect(page.text).not.toMatch(/rum|consent/i)
  expect(policyOf(page)).toContain("connect-src 'self';")
  expect((await plain.visitor().post('/consent', { consent: 'granted' })).status).toBe(404)
})

test('a page may report only to the intake of its site, and runs only our scripts', async () => {
  for (const path of ['/', '/login', '/nowhere']) {
    const policy = policyOf(await web.visitor().get(path))
    expect(policy).toContain("connect-src 'self' https://browser-intake-us5-datadoghq.com;")
    expect(policy).toContain("script-src 'self';")
    expect(policy).not.toMatch(/worker-src|unsafe|blob:|\*/)
  }
})

test('every site has the intake that Datadog documents for it', () => {
  expect(DATADOG_SITES.map(intakeOf)).toEqual([
    'https://browser-intake-datadoghq.com',
    'https://browser-intake-us3-datadoghq.com',
    'https://browser-intake-us5-datadoghq.com',
    'https://browser-intake-datadoghq.eu',
    'https://browser-intake-ap1-datadoghq.com',
    'https://browser-intake-ap2-datadoghq.com',
    'https://browser-intake-ddog-gov.com',
    'https://browser-intake-us2-ddog-gov.com',
  ])
})

test.each([
  ['http://127.0.0.1:8126/rum', "connect-src 'self' http://127.0.0.1:8126;"],
  [`${WEB_ORIGIN}/rum`, "connect-src 'self';"],
])('with the proxy %s the policy is %s', async (RUM_PROXY, policy) => {
  const proxied = await startWeb(undefined, { RUM_APP_ID, RUM_CLIENT_TOKEN, RUM_PROXY })
  try {
    const page = await (await agree(proxied.visitor())).get('/')
    expect(policyOf(page)).toContain(policy)
    expect(settingsOf(page)).toMatchObject({ proxy: RUM_PROXY, version: expect.stringMatching(/^\d+\.\d+\.\d+$/) })
  } finally {
    await proxied.close()
  }
})

test('the settings are data, complete and unable to end their element', async () => {
  const page = await (await agree()).get('/login')
  expect(settingsOf(page)).toEqual({
    applicationId: RUM_APP_ID,
    clientToken: RUM_CLIENT_TOKEN,
    site: 'us5.datadoghq.com',
    service: 'mini-ato-saas',
    env: 'prod',
    version: HOSTILE,
  })
  expect(element(page)?.[2]).not.toMatch(/[<>&\u2028]/)
  expect(page.text.match(/<script[^>]*>/g)).toEqual([
    expect.stringMatching(/^<script type="module" src="\/assets\/device-[A-Z0-9]{8}\.js">$/),
    expect.stringMatching(/^<script type="module" src="\/assets\/pending-[A-Z0-9]{8}\.js">$/),
    '<script type="application/json" id="rum">',
    expect.stringMatching(/^<script type="module" src="\/assets\/rum-[A-Z0-9]{8}\.js">$/),
  ])
})

test('the browser keeps every script and the style for good, because each is named by its content', async () => {
  const { text } = await (await agree()).get('/')
  const [style = '', device = '', pending = '', script = ''] =
    text.match(/\/assets\/[a-z]+-[A-Z0-9]{8}\.(?:css|js)/g) ?? []
  const entry = await web.visitor().get(script)
  expect(entry.headers.get('content-type')).toContain('javascript')
  const imported = [...entry.text.matchAll(/from"\.\/([^"]+)"/g)].map(([, name]) => `/assets/${name}`)
  expect(imported.length).toBeGreaterThan(0)
  for (const path of [style, device, pending, script, ...imported]) {
    const { status, headers } = await web.visitor().get(path)
    expect([path, status, headers.get('cache-control')]).toEqual([path, 200, 'public, max-age=31536000, immutable'])
  }
  const missing = await web.visitor().get('/assets/rum-AAAAAAAA.js')
  expect([missing.status, missing.headers.get('cache-control')]).toEqual([404, 'no-store'])
})

test('the visitor is asked, the answer is kept and can be taken back, and the page stays where it was', async () => {
  const visitor = web.visitor()
  const answer = (consent: string) => visitor.post('/consent', { consent }, { referer: `${WEB_ORIGIN}/register?x=1` })
  expect((await visitor.get('/register')).text).toMatch(/value="granted".*value="not-granted"/s)

  const granted = await answer('granted')
  expect([granted.status, granted.location]).toEqual([303, '/register'])
  expect(granted.headers.getSetCookie()).toEqual([
    expect.stringMatching(/^consent=granted; Max-Age=15552000; .*HttpOnly; SameSite=Lax$/),
  ])
  const after = await visitor.get('/register')
  expect(settingsOf(after)).toMatchObject({ applicationId: RUM_APP_ID })
  expect(after.text).not.toContain('value="granted"')

  await answer('not-granted')
  const refused = await visitor.get('/register')
  expect(refused.text).not.toMatch(/id="rum"|\/assets\/rum-/)
  expect(refused.text).not.toContain('value="not-granted"')
})

test.each([
  undefined,
  'https://evil.example/',
  `${WEB_ORIGIN}/logout`,
  '//evil.example',
  `${WEB_ORIGIN}//evil.example/`,
])('an answer given at %s leads to a page of ours', async (referer) => {
  const page = await web.visitor().post('/consent', { consent: 'granted' }, referer === undefined ? {} : { referer })
  expect(page.location).toBe('/')
})

test('only the visitor can consent, with one of two values', async () => {
  const forged = await web.visitor().post('/consent', { consent: 'granted' }, { 'sec-fetch-site': 'cross-site' })
  expect([forged.status, forged.headers.getSetCookie()]).toEqual([403, []])
  const fields: Record<string, string>[] = [{}, { consent: 'yes' }]
  for (const given of fields) expect((await web.visitor().post('/consent', given)).status).toBe(400)
  const visitor = web.visitor()
  visitor.jar.set('consent', '"granted')
  expect(element(await visitor.get('/'))).toBeNull()
})

test('only pages of a session name the visitor, by an id', async () => {
  const account = web.newAccount()
  const visitor = await web.signIn(account, await agree())
  const page = await visitor.get('/dashboard')
  expect(settingsOf(page).user).toBe(account.userId)
  expect(element(page)?.[0]).not.toContain(account.email)
  await visitor.post('/logout')
  expect(settingsOf(await visitor.get('/login'))).not.toHaveProperty('user')
})

test('a page contains the outcome of the sign-in before it, once, and only for a visitor who agreed', async () => {
  const account = web.newAccount({ totp: true })
  const { email, password } = account
  const visitor = await agree()
  const refused = await visitor.post('/login', { email, password: 'wrong' })
  expect(toldBy(refused)).toBe('data-action="login.result" data-outcome="login-refused"')

  await visitor.post('/login', { email, password })
  expect(toldBy(await visitor.get('/mfa'))).toBe('data-action="login.result" data-outcome="challenge"')
  expect(toldBy(await visitor.get('/mfa'))).toBe('')
  const wrong = await visitor.post('/mfa', { code: '000000' })
  expect(toldBy(wrong)).toBe('data-action="login.result" data-outcome="code-refused"')
  await visitor.post('/mfa', { code: await web.functions.codeOf(account) })
  expect(toldBy(await visitor.get('/dashboard'))).toBe('data-action="login.result" data-outcome="success"')
  expect(toldBy(await visitor.get('/dashboard'))).toBe('')

  const silent = await web.signIn(web.newAccount())
  expect([...silent.jar.keys()].sort()).toEqual(['device', 'session'])
  expect(element(await silent.get('/dashboard'))).toBeNull()
  expect(element(await web.visitor().post('/login', { email, password: 'wrong' }))).toBeNull()
})

test('an outcome that the browser made up is dropped', async () => {
  const visitor = await agree()
  visitor.jar.set('outcome', 'x"onload=alert(1)')
  expect(toldBy(await visitor.get('/login'))).toBe('')
  expect(visitor.jar.has('outcome')).toBe(false)
})

test.each([
  ['contained', 'data-action="containment.notice" data-outcome="contained"'],
  ['forked', 'data-action="containment.notice" data-outcome="forked"'],
  ['ended_elsewhere', ''],
] as const)('of a session that was %s the notice says "%s"', async (reason, told) => {
  const visitor = await web.signIn(web.newAccount(), await agree())
  await visitor.get('/dashboard')
  const { sessions } = web.deps
  await sessions.revoke(sidOf(visitor), { reason, at: web.clock.now() })
  const notice = await visitor.get('/dashboard')
  expect(notice.status).toBe(401)
  expect(toldBy(notice)).toBe(told)
  expect(settingsOf(notice)).not.toHaveProperty('user')
})

test('a page with a secret has no RUM', async () => {
  const account = web.newAccount()
  const visitor = await web.signIn(account, await agree())
  await web.stepUp(account, visitor)
  const page = await visitor.post('/account/totp')
  expect(page.text).toContain('otpauth://totp/')
  expect(page.text).not.toMatch(/id="rum"|\/assets\/rum-|\/consent/)
})

test.each(['/login', '/register'])(
  'the RUM session that %s came with goes along, inside the signed call',
  async (path) => {
    const fields = { email: 'a@example.com', password: 'a password that is long' }
    await web.visitor().post(path, { ...fields, rum: SESSION })
    await web.visitor().post(path, fields)
    const sessions = web.functions.calls.map(({ client }) => client.rum_session_id)
    expect(sessions).toEqual([SESSION, undefined])
  },
)

test.each(['', 'x', `${SESSION}\n`, `x${SESSION}`, '"}', 'canary@example.com', 'A'.repeat(4096)])(
  'a malformed RUM session, such as %j, is dropped, and the sign-in continues',
  async (rum) => {
    const account = web.newAccount()
    web.lines.length = 0
    const page = await web.visitor().post('/login', { email: account.email, password: account.password, rum })
    expect(page.location).toBe('/dashboard')
    expect(web.functions.calls[0]?.client).not.toHaveProperty('rum_session_id')
    expect(web.lines.join('')).not.toContain('canary')
  },
)
