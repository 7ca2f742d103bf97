import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { SAFARI } from './testing/browser.ts'
import { sidOf, startWeb, type Web } from './testing/harness.ts'

const MINUTE_MS = 60_000

let web: Web
beforeAll(async () => {
  web = await startWeb()
})
beforeEach(() => {
  web.lines.length = 0
})
afterAll(() => web.close())

async function ask(visitor: ReturnType<Web['visitor']>, headers: Record<string, string> = {}) {
  const { status, text, headers: answered } = await visitor.get('/session', headers)
  expect([status, answered.get('cache-control')]).toEqual([200, 'no-store'])
  expect(answered.getSetCookie()).toEqual([])
  return JSON.parse(text)
}
const THIEF = { 'user-agent': SAFARI, 'x-forwarded-for': '203.0.113.134' }
const contain = (sid: string) =>
  web.deps.sessions.revoke(sid, {
    reason: 'contained',
    at: web.clock.now(),
    containmentId: randomBytes(16).toString('hex'),
  })

test('a live session is answered without an event, and without moving its deadline', async () => {
  const visitor = await web.signIn(web.newAccount())
  await visitor.get('/dashboard')
  const before = await web.deps.sessions.read(sidOf(visitor), web.clock.now())
  web.lines.length = 0
  web.clock.offsetMs += MINUTE_MS
  expect(await ask(visitor)).toEqual({ alive: true })
  const after = await web.deps.sessions.read(sidOf(visitor), web.clock.now())
  expect(after?.lastSeenAt).toBe(before?.lastSeenAt)
  expect(web.events()).toEqual([])
})

test('the end of a session is told with its reason as often as it is asked, without an event; the cookie stays for the notice', async () => {
  const visitor = await web.signIn(web.newAccount())
  await contain(sidOf(visitor))
  web.lines.length = 0
  for (let times = 0; times < 3; times++) {
    expect(await ask(visitor)).toEqual({
      alive: false,
      title: expect.any(String),
      detail: expect.stringContaining('it was used in a way that looked like theft'),
    })
  }
  expect(web.events()).toEqual([])
  expect((await visitor.get('/dashboard')).text).toContain('it was used in a way that looked like theft')
})

test('a question from another device than that of the session leaves its event, as each of its pages does', async () => {
  const visitor = await web.signIn(web.newAccount())
  expect(await ask(visitor, THIEF)).toEqual({ alive: true })
  expect(web.events()).toMatchObject([{ evt: 'session', outcome: 'seen', ip: '203.0.113.134', sid: sidOf(visitor) }])
})

test('a session that must be re-authenticated on another device is not over', async () => {
  const challenging = await startWeb(undefined, { SESSION_DEVICE_BINDING: 'challenge' })
  const visitor = await challenging.signIn(challenging.newAccount())
  expect((await visitor.get('/dashboard', THIEF)).text).toContain('Enter your password again')
  expect(await ask(visitor, THIEF)).toEqual({ alive: true })
  expect((await visitor.get('/dashboard', THIEF)).text).toContain('Enter your password again')
  await challenging.close()
})

test.each([undefined, 'not a token'])('the cookie %s is of no live session, and leaves no event', async (cookie) => {
  const visitor = web.visitor()
  if (cookie !== undefined) visitor.jar.set('session', cookie)
  expect(await ask(visitor)).toMatchObject({ alive: false })
  expect(web.events()).toEqual([])
})

test('the notice says when a contained session ended and which device had used it, and nothing of the device that opened it', async () => {
  const visitor = await web.signIn(web.newAccount())
  await visitor.get('/dashboard', THIEF)
  await visitor.get('/dashboard', { ...THIEF, 'x-forwarded-for': '203.0.113.135' })
  await contain(sidOf(visitor))
  const { text } = await visitor.get('/dashboard')
  expect(text).toMatch(/<dt>Ended<\/dt><dd><time/)
  expect(text).toMatch(/<dt>Used from<\/dt><dd>Safari on macOS, 203\.0\.113\.134, first <time/)
})

test('the notice names also a device that only asked whether the session lives', async () => {
  const visitor = await web.signIn(web.newAccount())
  expect(await ask(visitor, THIEF)).toEqual({ alive: true })
  await contain(sidOf(visitor))
  expect((await visitor.get('/dashboard')).text).toContain('<dt>Used from</dt><dd>Safari on macOS, 203.0.113.134')
})

test('the notice of a session that no other device used says only when it ended', async () => {
  const visitor = await web.signIn(web.newAccount())
  await visitor.get('/dashboard')
  await contain(sidOf(visitor))
  const { text } = await visitor.get('/dashboard')
  expect(text).toContain('<dt>Ended</dt>')
  expect(text).not.toContain('Used from')
})
