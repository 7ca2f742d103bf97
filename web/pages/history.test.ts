import { expect, test } from 'vitest'
import { FIREFOX, SAFARI } from '../testing/browser.ts'
import { problemReply } from '../testing/functions.ts'
import { sidOf, type Web } from '../testing/harness.ts'
import { useWeb } from '../testing/use-web.ts'

let web: Web
useWeb((started) => {
  web = started
})

/** The part of the account page about the history, without markup. */
const historyIn = (text: string) =>
  (text.split('<h2 id="history">')[1] ?? '')
    .split('</section>')[0]
    ?.replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ') ?? ''

test('the account page says what happened, with device, address and time, newest first', async () => {
  const account = web.newAccount()
  const visitor = await web.signIn(account)
  await web.signIn(account, web.visitor({ userAgent: SAFARI, ip: '198.51.100.9' }))
  const history = historyIn((await visitor.get('/account')).text)
  expect(history).toMatch(
    /Signed in Safari on macOS from 198\.51\.100\.9 .* UTC Signed in Firefox on Linux from 203\.0\.113\.7 .* UTC/,
  )
})

test('a session that looked like stolen is told with the device that used it', async () => {
  const account = web.newAccount()
  const victim = await web.signIn(account)
  const sid = sidOf(victim)
  const thief = web.visitor({ userAgent: SAFARI, ip: '198.51.100.66' })
  thief.jar.set('session', victim.cookie('session'))
  await thief.get('/dashboard')
  const ending = { reason: 'contained', at: web.clock.now() } as const
  await web.deps.sessions.revoke(sid, ending, account.userId)
  await web.deps.ledger.close(account.userId, sid, { ...ending, state: 'revoked', at: new Date(ending.at) })
  const owner = await web.signIn(account, web.visitor({ userAgent: FIREFOX }))
  expect(historyIn((await owner.get('/account')).text)).toMatch(
    /We ended a session that was used in a way that looked like theft Firefox on Linux from 203\.0\.113\.7 Also used on Safari on macOS from 198\.51\.100\.66, first/,
  )
})

test('fifteen minutes after the sign-in the list needs the password, and then is shown', async () => {
  const account = web.newAccount()
  const visitor = await web.signIn(account)
  web.clock.offsetMs = 16 * 60_000
  const locked = historyIn((await visitor.get('/account')).text)
  expect(locked).toContain('Enter your password to see it.')
  expect(locked).not.toContain('203.0.113.7')
  expect(web.functions.calls.map(({ route }) => route)).not.toContain('auth/history')
  const prompt = await visitor.post('/account/history')
  expect([prompt.status, prompt.text.includes('name="place" value="history"')]).toEqual([403, true])
  const answer = await visitor.post('/account/reauth', { password: account.password, code: '', place: 'history' })
  expect(answer.location).toBe('/account#history')
  expect(historyIn((await visitor.get('/account')).text)).toContain('The password was entered again')
})

test.each([
  [problemReply('unavailable'), 'The list cannot be read right now.'],
  [problemReply('throttled', { retryAfterSeconds: 300 }), 'Too many attempts. Try again in 5 minutes.'],
  [{ status: 200, jsonBody: { entries: 'x' } }, 'The list cannot be read right now.'],
])('a list that cannot be read leaves the rest of the page', async (reply, words) => {
  const visitor = await web.signIn(web.newAccount())
  web.functions.overrides.set('auth/history', reply)
  const page = await visitor.get('/account')
  expect(page.status).toBe(200)
  expect(historyIn(page.text)).toContain(words)
})

test('text of functions is shown as text; an event of a newer release is left out', async () => {
  const visitor = await web.signIn(web.newAccount())
  const at = '2026-03-01T12:00:00.000Z'
  const device = '<img src=x>'
  const entries = [
    { at, event: 'signed_in', device, ip: '192.0.2.9', country: 'PT' },
    { at, event: 'toString', device: 'of a newer release' },
    { at, event: 'session_ended', reason: 'constructor', device: 'curl', ip: '192.0.2.10' },
  ]
  web.functions.overrides.set('auth/history', { status: 200, jsonBody: { entries, complete: false } })
  const { text } = await visitor.get('/account')
  expect(text).toContain('&lt;img src=x&gt;')
  expect(text).toContain('192.0.2.9, Portugal')
  expect(text).not.toContain('of a newer release')
  expect(historyIn(text)).toContain('A session was ended curl from 192.0.2.10')
  expect(historyIn(text)).toContain('More happened than this list shows.')
})

test('a long list shows its newest entries, and the others on demand', async () => {
  const visitor = await web.signIn(web.newAccount())
  const entries = Array.from({ length: 20 }, (_, n) => ({
    at: new Date(Date.UTC(2026, 2, 1) - n * 60_000).toISOString(),
    event: 'signed_in',
    device: `device ${n}`,
  }))
  web.functions.overrides.set('auth/history', { status: 200, jsonBody: { entries, complete: true } })
  const { text } = await visitor.get('/account')
  const [shown = '', more = ''] = text.split('<summary>Show 12 more</summary>')
  expect([shown.includes('device 7<'), shown.includes('device 8<'), more.includes('device 8<')]).toEqual([
    true,
    false,
    true,
  ])
})

test('every other session is ended by one press, after the password if it was long ago', async () => {
  const account = web.newAccount()
  const visitor = await web.signIn(account)
  const others = [await web.signIn(account), await web.signIn(account)]
  expect((await visitor.get('/dashboard')).text).toContain('End all others')
  web.clock.offsetMs = 16 * 60_000
  const prompt = await visitor.post('/dashboard/end-others')
  expect([prompt.status, prompt.text.includes('Enter your password to end every other session.')]).toEqual([403, true])
  const [, place = ''] = /name="place" value="([^"]+)"/.exec(prompt.text) ?? []
  const done = await visitor.post('/account/reauth', { password: account.password, code: '', place })
  expect(done.location).toBe('/dashboard?notice=others-ended')
  for (const other of others) {
    const told = await other.get('/dashboard')
    expect([told.status, told.text.includes('You ended this session from another one')]).toEqual([401, true])
  }
  const page = await visitor.get('/dashboard?notice=others-ended')
  expect(page.text).toContain('Every other session is ended.')
  expect(page.text).toContain('You are signed in nowhere else.')
  expect(page.text).not.toContain('End all others')
})

test('the session that was to be ended is ended after the password, and no other', async () => {
  const account = web.newAccount()
  const visitor = await web.signIn(account)
  const [one, other] = [await web.signIn(account), await web.signIn(account)]
  web.clock.offsetMs = 16 * 60_000
  const prompt = await visitor.post('/dashboard/end', { sid: sidOf(one) })
  expect(prompt.status).toBe(403)
  const [, place = ''] = /name="place" value="([^"]+)"/.exec(prompt.text) ?? []
  const [, sid = ''] = /name="sid" value="([^"]+)"/.exec(prompt.text) ?? []
  const wrong = await visitor.post('/account/reauth', { password: 'wrong', code: '', place, sid })
  expect(wrong.text).toContain(`name="sid" value="${sidOf(one)}"`)
  const done = await visitor.post('/account/reauth', { password: account.password, code: '', place, sid })
  expect(done.location).toBe('/dashboard?notice=ended')
  expect((await one.get('/dashboard')).status).toBe(401)
  expect((await other.get('/dashboard')).status).toBe(200)
})
