import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { retry, undo } from '../../ops/contain/operate.ts'
import { networkOf } from '../../shared/client/address.ts'
import { revokeKeys, verify } from '../../shared/signature.ts'
import { portOf } from '../../test/port-of.ts'
import { sweep } from '../sweep/sweep.ts'
import { type Asked, FIREFOX, type Functions, PASSWORD, settled, startFunctions } from '../testing/functions.ts'
import { containmentId, pulledAlert } from './alert.ts'
import { contain, handleAlert } from './contain.ts'

/** The network's end: what functions says to web, and what web answers. The real web is tested in test/. */
class WebDouble {
  calls: { signature: string; body: string }[] = []
  answer: 'success' | 'error' | 'silence' = 'success'
  server: Server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      this.calls.push({ signature: String(request.headers['x-ato-signature']), body })
      if (this.answer === 'silence') return
      const { sid } = JSON.parse(body)
      response.writeHead(this.answer === 'success' ? 200 : 500).end(JSON.stringify({ sid, result: 'success' }))
    })
  })
}

let functions: Functions
const web = new WebDouble()
beforeAll(async () => {
  await new Promise<void>((resolve) => web.server.listen(0, '127.0.0.1', resolve))
  const WEB_ORIGIN = `http://127.0.0.1:${portOf(web.server)}`
  functions = await startFunctions({ env: { WEB_ORIGIN, CONTAIN_CAP: '1000' } })
})
afterAll(async () => {
  web.server.closeAllConnections()
  await new Promise((resolve) => web.server.close(resolve))
  await functions.close()
})
beforeEach(() => {
  functions.lines.length = 0
  web.calls = []
})
afterEach(() => {
  web.answer = 'success'
})

interface Delivery {
  id: string
  alert_id: string
  cycle_key: string
  transition: string
  scope: string
  tags: string
  date: string
}
const about = (detection: string, contain: string, scope: string, change: Partial<Delivery> = {}): Delivery => ({
  id: randomUUID(),
  alert_id: '1001',
  cycle_key: randomUUID(),
  transition: 'Triggered',
  scope,
  tags: `detection:${detection},contain:${contain},env:prod`,
  date: String(Date.now()),
  ...change,
})
const reuse = (sid: string, change?: Partial<Delivery>) => about('session-reuse', 'session', `@sid:${sid}`, change)
const stuffing = (ip: string, change?: Partial<Delivery>) =>
  about('credential-stuffing', 'ip', `@network:${networkOf(ip)}`, change)
const deliver = (body: unknown, asked: Asked = {}) =>
  functions.call('contain', {
    body,
    ...asked,
    headers: { 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET, ...asked.headers },
  })
const eventsOf = (evt: string) => functions.events().filter((event) => event.evt === evt)
/** Addresses that no other test blocks, or signs in from. */
let last = 100
const freshIp = () => `192.0.2.${++last}`
const alive = async (token: string) => (await functions.call('session', { token })).status === 200

const request = () => ({ requestId: randomUUID(), ip: '203.0.113.9' })
const down = () => Promise.reject(new Error('down'))
/** One delivery to functions that cannot do this, and do not try again. */
const brokenBy = (change: Partial<Functions['deps']['contain']>, delivery: Delivery) =>
  contain(JSON.stringify(delivery), request(), { ...functions.deps.contain, fetch: down, ...change })
const without = (...methods: (keyof typeof functions.deps.stores.sessions)[]) => ({
  sessions: { ...functions.deps.stores.sessions, ...Object.fromEntries(methods.map((name) => [name, down])) },
})

describe('an alert about a session', () => {
  it('is passed to web as a signed revoke that names exactly that session', async () => {
    const { sid } = await functions.signIn()
    functions.lines.length = 0
    const { status, json } = await deliver(reuse(sid))
    expect({ status, ...json }).toMatchObject({ status: 200, state: 'done', result: 'success', via: 'web' })
    const [call] = web.calls
    expect(
      verify(call?.signature, call?.body ?? '', revokeKeys(functions.config.ATO_HMAC_SECRET), Date.now()),
    ).toHaveProperty('t')
    expect(JSON.parse(call?.body ?? '')).toMatchObject({
      op: 'POST /contain/revoke',
      action: 'revoke',
      sid,
      detection: 'session-reuse',
    })
    expect(functions.events()).toMatchObject([
      { evt: 'contain', outcome: 'success', action: 'revoke', via: 'web', sid, containment_id: json.containment_id },
      { evt: 'webhook', outcome: 'accepted', detection: 'session-reuse' },
    ])
  })

  it.each(['error', 'silence'] as const)('is carried out directly when web answers with %s', async (answer) => {
    web.answer = answer
    const { sid, token, email } = await functions.signIn()
    const other = await functions.signIn({ email })
    functions.lines.length = 0
    const started = performance.now()
    const { json } = await deliver(reuse(sid))
    expect(performance.now() - started).toBeLessThan(4_000)
    expect(json).toMatchObject({ state: 'done', result: 'success', via: 'direct' })
    expect((await functions.call('session', { token })).json).toMatchObject({ code: 'session-revoked' })
    expect(await alive(other.token)).toBe(true)
    expect(eventsOf('contain')).toMatchObject([{ outcome: 'success', action: 'revoke', sid, via: 'direct' }])
    const row = (
      await functions.deps.stores.ledger.listByUser((await functions.deps.stores.users.findByEmail(email))?.id ?? '')
    ).find((r) => r.sid === sid)
    expect(row).toMatchObject({ state: 'revoked', reason: 'contained' })
  })

  it('is reported as carried out by web if web did it and its answer was lost', async () => {
    web.answer = 'error'
    const { sid, token } = await functions.signIn()
    const alert = reuse(sid)
    const id = containmentId('session-reuse', alert.cycle_key, `@sid:${sid}`)
    const tombstone = { reason: 'contained', at: Date.now(), containmentId: id, by: 'web' } as const
    expect(await functions.deps.stores.sessions.revoke(sid, tombstone)).toBe('success')
    functions.lines.length = 0
    expect((await deliver(alert)).json).toMatchObject({ state: 'done', result: 'success', via: 'web' })
    expect(eventsOf('contain')).toMatchObject([{ outcome: 'success', sid, via: 'web' }])
    expect(await alive(token)).toBe(false)
  })

  it('about an ended session is a noop, and done', async () => {
    web.answer = 'error'
    const { sid, token } = await functions.signIn()
    await functions.call('logout', { token })
    expect((await deliver(reuse(sid))).json).toMatchObject({ state: 'done', result: 'noop' })
  })

  it('about an unknown session is refused, and contains no one', async () => {
    const { token } = await functions.signIn()
    functions.lines.length = 0
    const { status } = await deliver(reuse('A'.repeat(22)))
    expect(status).toBe(422)
    expect(functions.events()).toMatchObject([{ evt: 'webhook', outcome: 'refused', reason: 'unknown_subject' }])
    expect(await alive(token)).toBe(true)
    expect(web.calls).toEqual([])
  })
})

describe('an alert about an address', () => {
  const login = (email: string, ip: string, asked: Asked = {}) =>
    functions.call('login', { ...asked, ip, body: { email, password: PASSWORD } })

  it('makes the right password from there look wrong, and leaves sessions from elsewhere alone', async () => {
    const ip = freshIp()
    const { email, token } = await functions.signIn()
    await deliver(stuffing(ip))
    functions.lines.length = 0
    expect((await login(email, ip, { userAgent: FIREFOX })).json).toMatchObject({ code: 'login-refused', status: 401 })
    expect(eventsOf('login')).toMatchObject([{ outcome: 'fail', reason: 'blocked', usr: { exists: true } }])
    expect(await alive(token)).toBe(true)
    expect((await functions.call('session', { token, ip })).status).toBe(200)
  })

  it('spares a device with a token of the account, and no other of its kind', async () => {
    const ip = freshIp()
    const account = await registered()
    const remember = { ...account, remember_device: true }
    const { device_token } = (await functions.call('login', { ip: freshIp(), body: remember })).json
    await deliver(stuffing(ip))
    expect((await functions.call('login', { ip, body: account })).status).toBe(401)
    expect((await functions.call('login', { ip, body: { ...account, device_token } })).status).toBe(200)
  })

  it('ends the sessions opened from there during the attack, also under another sid, and counts them', async () => {
    const ip = freshIp()
    const { email, token: elsewhere } = await functions.signIn()
    const intruder = { userAgent: FIREFOX }
    const { email: other } = await functions.signIn()
    expect((await login(`${randomUUID()}@example.com`, ip, intruder)).status).toBe(401)
    const first = (await login(email, ip, intruder)).json.token
    const second = (await login(other, ip, intruder)).json.token
    const reauth = { ip, token: second, ...intruder, body: { password: PASSWORD } }
    const again = (await functions.call('reauth', reauth)).json.token
    functions.lines.length = 0
    expect((await deliver(stuffing(ip))).json).toMatchObject({ state: 'done', result: 'success' })
    expect(eventsOf('contain')).toMatchObject([{ outcome: 'success', sessions_ended: 2 }])
    for (const token of [first, again]) {
      expect((await functions.call('session', { token })).json).toMatchObject({ code: 'session-revoked' })
    }
    expect(await alive(elsewhere)).toBe(true)
  })

  /** A password that no other test tries: how often one was tried at other logins is remembered. */
  const registered = async () => {
    const account = { email: `${randomUUID()}@example.com`, password: randomUUID() }
    await functions.register(account)
    return account
  }

  it('ends an odd sign-in from there although nothing had failed yet', async () => {
    const [ip, elsewhere] = [freshIp(), freshIp()]
    const account = await registered()
    for (let tries = 0; tries < 5; tries++) {
      await functions.call('login', { ip: elsewhere, body: { ...account, email: `${randomUUID()}@example.com` } })
    }
    const sprayed = (await functions.call('login', { ip, body: account })).json.token
    expect(eventsOf('login').at(-1)).toMatchObject({ outcome: 'success', risk: ['spray'] })
    await deliver(stuffing(ip))
    expect(await alive(sprayed)).toBe(false)
  })

  it('ends no session there that was opened before the attack, or on a device with a token', async () => {
    const [ip, home] = [freshIp(), freshIp()]
    const [newcomer, regular] = [await registered(), await registered()]
    const remember = { ...regular, remember_device: true }
    const { device_token } = (await functions.call('login', { ip: home, body: remember })).json
    const before = (await functions.call('login', { ip, body: newcomer })).json.token
    expect((await login(`${randomUUID()}@example.com`, ip, { userAgent: FIREFOX })).status).toBe(401)
    const known = (await functions.call('login', { ip, body: { ...regular, device_token } })).json.token
    functions.lines.length = 0
    await deliver(stuffing(ip))
    expect(eventsOf('contain')).toMatchObject([{ outcome: 'success', sessions_ended: 0 }])
    for (const token of [before, known]) expect(await alive(token)).toBe(true)
  })

  it.each(['was used before', 'was never used', 'knows nothing but a kind of device'])(
    'revokes the device token of an intruder, where the account %s',
    async (past) => {
      const [ip, elsewhere] = [freshIp(), freshIp()]
      const account = await registered()
      if (past === 'was used before') {
        await functions.call('login', { ip: elsewhere, body: { ...account, remember_device: true } })
      }
      if (past === 'knows nothing but a kind of device') {
        const { now } = functions.deps.auth
        functions.replace({ now: () => now() - 24 * 3_600_000 })
        await functions.call('login', { ip: elsewhere, body: account })
        functions.replace({ now })
      }
      expect((await login(`${randomUUID()}@example.com`, ip, { userAgent: FIREFOX })).status).toBe(401)
      const first = (await functions.call('login', { ip, body: { ...account, remember_device: true } })).json
      const { device_token } = first
      const second = (await functions.call('login', { ip, body: { ...account, device_token } })).json
      await deliver(stuffing(ip))
      for (const token of [first.token, second.token]) expect(await alive(token)).toBe(false)
      for (const held of [device_token, second.device_token]) {
        const again = await functions.call('login', { ip, body: { ...account, device_token: held } })
        expect(again.status).toBe(401)
      }
    },
  )

  it('refuses a token that is revoked while the password is checked', async () => {
    const [ip, elsewhere] = [freshIp(), freshIp()]
    const account = await registered()
    await functions.call('login', { ip: elsewhere, body: { ...account, remember_device: true } })
    expect((await login(`${randomUUID()}@example.com`, ip, { userAgent: FIREFOX })).status).toBe(401)
    const { device_token } = (await functions.call('login', { ip, body: { ...account, remember_device: true } })).json
    const { passwords } = functions.deps.auth
    const check: typeof passwords.check = async (...typed) => {
      const checked = await passwords.check(...typed)
      await deliver(stuffing(ip))
      return checked
    }
    functions.replace({ passwords: { ...passwords, check } })
    const { status } = await functions.call('login', { ip, body: { ...account, device_token } })
    functions.replace({ passwords })
    expect(status).toBe(401)
    expect(eventsOf('login').at(-1)).toMatchObject({ outcome: 'fail', reason: 'blocked' })
  })

  it('blocks an IPv6 address with its whole /64, and no more', async () => {
    const { email } = await functions.signIn()
    await deliver(stuffing('2001:db8:77:1::5'))
    const from = (ip: string) =>
      functions.call('login', {
        userAgent: FIREFOX,
        headers: { 'x-forwarded-for': `[${ip}]:1` },
        body: { email, password: PASSWORD },
      })
    expect((await from('2001:db8:77:1:ffff::9')).status).toBe(401)
    expect((await from('2001:db8:77:2::5')).status).toBe(200)
  })

  it('ends by itself after fifteen minutes', async () => {
    const ip = freshIp()
    let clock = Date.now()
    const later = await startFunctions({ env: functions.env, parts: { now: () => clock } })
    const { email } = await later.signIn()
    const attempt = () => later.call('login', { ip, userAgent: FIREFOX, body: { email, password: PASSWORD } })
    clock = Date.now()
    await deliver(stuffing(ip))
    clock += 15 * 60_000 - 2_000
    expect((await attempt()).status).toBe(401)
    clock += 4_000
    expect((await attempt()).status).toBe(200)
    await later.close()
  })

  it.each(['127.0.0.1', '10.1.2.3', '192.168.1.1', '172.31.0.1', '100.64.0.1', '::1', 'fd00::1', 'fe80::1'])(
    'is held and paged when the address is private: %s',
    async (ip) => {
      expect((await deliver(stuffing(ip))).json).toMatchObject({ state: 'held' })
      expect(eventsOf('contain')).toMatchObject([{ outcome: 'refused', reason: 'policy', level: 'error' }])
    },
  )
})

describe('an alert about a user', () => {
  const replay = (userId: string, change?: Partial<Delivery>) =>
    about('otp-replay', 'user', `@usr.id:${userId}`, change)
  const userIdOf = async (email: string) => (await functions.deps.stores.users.findByEmail(email))?.id ?? ''

  it('ends every session of that user only; a new sign-in works', async () => {
    const { email, token } = await functions.signIn()
    const second = await functions.signIn({ email, userAgent: FIREFOX })
    const neighbour = await functions.signIn()
    const id = await userIdOf(email)
    functions.lines.length = 0
    const { json } = await deliver(replay(id))
    expect(json).toMatchObject({ state: 'done', action: 'revoke_user', result: 'success', via: 'direct' })
    for (const dead of [token, second.token]) {
      expect((await functions.call('session', { token: dead })).json).toMatchObject({ code: 'session-revoked' })
    }
    expect(await alive(neighbour.token)).toBe(true)
    expect(eventsOf('contain')).toMatchObject([
      { outcome: 'success', action: 'revoke_user', detection: 'otp-replay', usr: { id } },
    ])
    expect(web.calls).toEqual([])
    expect(await alive((await functions.signIn({ email })).token)).toBe(true)
  })

  it('overtakes a sign-in that was under way: its session is withdrawn', async () => {
    const { email } = await functions.signIn()
    const id = await userIdOf(email)
    const racing = await startFunctions({
      env: functions.env,
      stores: {
        ledger: {
          ...functions.deps.stores.ledger,
          open: async (session) => {
            await functions.deps.stores.ledger.open(session)
            await deliver(replay(id))
          },
        },
      },
    })
    const { status } = await racing.call('login', { body: { email, password: PASSWORD } })
    await racing.close()
    expect(status).toBe(401)
    const rows = await functions.deps.stores.ledger.listByUser(id)
    expect(rows.filter(({ state }) => state === 'active')).toEqual([])
  })

  it('without a live session is a noop, and still raises the epoch', async () => {
    const { email, token } = await functions.signIn()
    await functions.call('logout', { token })
    const id = await userIdOf(email)
    const before = await functions.deps.stores.users.readEpoch(id)
    expect((await deliver(replay(id))).json).toMatchObject({ state: 'done', result: 'noop' })
    expect(await functions.deps.stores.users.readEpoch(id)).toBe((before ?? 0) + 1)
  })

  it('about an unknown user is refused', async () => {
    expect((await deliver(replay(randomUUID()))).status).toBe(422)
    expect(functions.events()).toMatchObject([{ evt: 'webhook', outcome: 'refused', reason: 'unknown_subject' }])
  })
})

describe('an alert that merely notifies', () => {
  const notice = (detection: string, scope: string, change?: Partial<Delivery>) =>
    about(detection, 'none', scope, change)
  const find = (detection: string, id: string) => functions.deps.stores.containments.find(detection, id)

  it.each([
    ['account-brute-force', `@login_hash:${'0f'.repeat(16)}`],
    ['distributed-stuffing', '@via:api'],
    ['telemetry-silence', ''],
    ['telemetry-silence', '*'],
    ['telemetry-silence', 'total'],
  ])('of %s (%j) writes a row and a page, and closes with its alert', async (detection, scope) => {
    const first = notice(detection, scope)
    const { status, json } = await deliver(first)
    expect({ status, ...json }).toMatchObject({ status: 200, state: 'done', action: 'notify', result: 'success' })
    expect(functions.events()).toMatchObject([
      { evt: 'contain', outcome: 'success', action: 'notify', detection, via: 'direct' },
      { evt: 'webhook', outcome: 'accepted', detection },
    ])
    expect((await deliver({ ...first, id: randomUUID() })).json).toEqual({ ignored: 'duplicate' })
    const over = await deliver({ ...first, id: randomUUID(), transition: 'Recovered' })
    expect(over.json).toMatchObject({ containment_id: json.containment_id, state: 'closed' })
    expect((await deliver(notice(detection, scope))).json.containment_id).not.toBe(json.containment_id)
  })

  it('about an address blocks nobody, and accepts an address that may not be blocked', async () => {
    const ip = freshIp()
    for (const address of [ip, '10.1.2.3']) {
      const { json } = await deliver(notice('containment-tampering', `@network:${address}`))
      expect(json).toMatchObject({ state: 'done', action: 'notify' })
    }
    for (const event of eventsOf('contain')) expect(event).not.toHaveProperty('blocked_network')
    expect(await functions.deps.stores.blocks.blockedBy(ip, Date.now())).toBeUndefined()
    const { email } = await functions.signIn()
    const asked = { ip, userAgent: FIREFOX, body: { email, password: PASSWORD } }
    expect((await functions.call('login', asked)).status).toBe(200)
  })

  it('about a user names them and leaves their sessions alone; an unknown user is refused', async () => {
    const { email, token } = await functions.signIn()
    const id = (await functions.deps.stores.users.findByEmail(email))?.id ?? ''
    functions.lines.length = 0
    await deliver(notice('mfa-guessing', `@usr.id:${id}`))
    expect(eventsOf('contain')).toMatchObject([{ action: 'notify', usr: { id } }])
    expect(await alive(token)).toBe(true)
    expect((await deliver(notice('mfa-guessing', `@usr.id:${randomUUID()}`))).status).toBe(422)
  })

  it.each([
    ['telemetry-silence', '@via:web'],
    ['telemetry-silence', '@network:203.0.113.9'],
    ['distributed-stuffing', ''],
    ['distributed-stuffing', '@via:mail'],
    ['account-brute-force', '@login_hash:a@example.com'],
    ['mfa-guessing', '*'],
  ])('of %s is refused with the scope %j', async (detection, scope) => {
    expect((await deliver(notice(detection, scope))).status).toBe(422)
    expect(functions.events()).toMatchObject([{ evt: 'webhook', outcome: 'refused', reason: 'no_subject' }])
  })

  it('is finished by the sweeper when its claim was abandoned', async () => {
    const delivery = notice('telemetry-silence', '')
    await brokenBy({ containments: { ...functions.deps.stores.containments, revise: down } }, delivery)
    const id = containmentId('telemetry-silence', delivery.cycle_key, '*')
    expect(await find('telemetry-silence', id)).toMatchObject({ state: 'pending', scope: '*' })
    await sweep({ ...functions.deps.sweep, now: () => Date.now() + 61_000 })
    expect(await find('telemetry-silence', id)).toMatchObject({ state: 'done', result: 'success' })
  })

  it('can be undone, which removes no block of that address', async () => {
    const ip = freshIp()
    await deliver(stuffing(ip))
    const { json } = await deliver(notice('containment-tampering', `@network:${ip}`))
    const row = await find('containment-tampering', json.containment_id)
    if (!row) throw new Error('no row')
    expect(await undo(row, randomUUID(), functions.deps.contain)).toMatchObject({ state: 'undone' })
    expect(await functions.deps.stores.blocks.blockedBy(ip, Date.now())).toBeDefined()
  })
})

describe('a delivery', () => {
  it('with a bad secret is refused and changes nothing', async () => {
    const { sid, token } = await functions.signIn()
    functions.lines.length = 0
    for (const secret of ['', 'wrong', `${functions.env.ATO_WEBHOOK_SECRET}x`]) {
      expect((await deliver(reuse(sid), { headers: { 'x-ato-webhook-secret': secret } })).status).toBe(401)
    }
    expect(functions.events()).toMatchObject(
      Array(3).fill({ evt: 'webhook', outcome: 'refused', reason: 'bad_secret' }),
    )
    expect(await alive(token)).toBe(true)
  })

  it.each([
    ['no scope', { scope: '' }, 'no_subject', 422],
    ['a scope of another key', { scope: '@network:203.0.113.9' }, 'no_subject', 422],
    ['two subjects', { scope: `@sid:${'A'.repeat(22)},@sid:${'B'.repeat(22)}` }, 'no_subject', 422],
    ['a subject and a stray word', { scope: `@sid:${'A'.repeat(22)},x` }, 'no_subject', 422],
    ['the group «total»', { scope: 'total' }, 'no_subject', 422],
    ['a detection that nobody knows', { tags: 'detection:nothing,contain:session' }, 'unknown_detection', 422],
    ['a name from the prototype', { tags: 'detection:constructor,contain:session' }, 'unknown_detection', 422],
    ['a tag that does not agree', { tags: 'detection:session-reuse,contain:user' }, 'unknown_detection', 422],
    [
      'the same tag twice, differing',
      { tags: 'detection:session-reuse,contain:session,contain:ip' },
      'unknown_detection',
      422,
    ],
    ['a date in words', { date: 'yesterday' }, 'malformed', 400],
    ['a date beyond all calendars', { date: '9'.repeat(16) }, 'malformed', 400],
    ['a date that no table can hold', { date: '9'.repeat(15) }, 'malformed', 400],
    ['a cycle of hostile text', { cycle_key: '"}{"' }, 'malformed', 400],
    ['a field too many', { extra: 'x' }, 'malformed', 400],
    ['a number for an id', { id: 7 }, 'malformed', 400],
  ])('with %s is refused in one event', async (_, change, reason, status) => {
    const { sid, token } = await functions.signIn()
    functions.lines.length = 0
    expect((await deliver({ ...reuse(sid), ...change })).status).toBe(status)
    expect(functions.events()).toMatchObject([{ evt: 'webhook', outcome: 'refused', reason }])
    expect(await alive(token)).toBe(true)
  })

  it.each([
    ['a repeated key', (text: string, sid: string) => text.replace('{', `{"scope":"@sid:${sid}",`)],
    ['a repeated key in disguise', (text: string, sid: string) => text.replace('{', `{"sc\\u006fpe":"@sid:${sid}",`)],
    ['text that is not JSON', (text: string) => text.slice(1)],
    ['an array', (text: string) => `[${text}]`],
    ['nothing', () => ''],
  ])('that is %s is refused', async (_, change) => {
    const victim = await functions.signIn()
    const { sid, token } = await functions.signIn()
    functions.lines.length = 0
    const { status } = await deliver(undefined, { raw: change(JSON.stringify(reuse(sid)), victim.sid) })
    expect(status).toBe(400)
    expect(functions.events()).toMatchObject([{ evt: 'webhook', outcome: 'refused', reason: 'malformed' }])
    expect((await alive(token)) && (await alive(victim.token))).toBe(true)
  })

  it('of 1 MB is refused', async () => {
    expect((await deliver({ ...reuse('A'.repeat(22)), tags: 'x'.repeat(1024 * 1024) })).status).toBe(413)
  })

  it('is acted on once, also if it is delivered twice at the same instant and again later', async () => {
    const { sid } = await functions.signIn()
    const delivery = reuse(sid)
    const answers = await Promise.all([deliver(delivery), deliver(delivery)])
    answers.push(await deliver(delivery))
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200])
    expect(web.calls).toHaveLength(1)
    expect(eventsOf('contain')).toHaveLength(1)
    expect(eventsOf('webhook').map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'ignored'])
  })

  it.each(['No Data', 'Warn', 'Re-No Data', 'Renotify'])(
    'with the transition %s is not a trigger',
    async (transition) => {
      const { sid, token } = await functions.signIn()
      expect((await deliver(reuse(sid, { transition }))).json).toEqual({ ignored: 'not_a_trigger' })
      expect(await alive(token)).toBe(true)
    },
  )

  it.each([-1, 1])('sixteen minutes off (%i) is recorded for an operator, not acted on', async (side) => {
    const { sid, token } = await functions.signIn()
    functions.lines.length = 0
    const delivery = reuse(sid, { date: String(Date.now() + side * 16 * 60_000) })
    expect((await deliver(delivery)).status).toBe(422)
    expect(functions.events()).toMatchObject([
      { evt: 'contain', outcome: 'refused', reason: 'stale', level: 'error', sid },
      { evt: 'webhook', outcome: 'refused', reason: 'stale', level: 'error' },
    ])
    const row = await functions.deps.stores.containments.find(
      'session-reuse',
      containmentId('session-reuse', delivery.cycle_key, delivery.scope),
    )
    expect(row).toMatchObject({ state: 'held', reason: 'stale' })
    expect(await alive(token)).toBe(true)
  })

  it('that could not be carried out is retried, not taken for a duplicate', async () => {
    const { sid } = await functions.signIn()
    const delivery = reuse(sid)
    const broken = await startFunctions({
      env: functions.env,
      stores: {
        containments: {
          ...functions.deps.stores.containments,
          claim: () => Promise.reject(new Error('tables are down')),
        },
      },
    })
    const headers = { 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET }
    expect((await broken.call('contain', { body: delivery, headers })).status).toBe(503)
    await broken.close()
    expect((await deliver(delivery)).json).toMatchObject({ state: 'done' })
  })
})

describe('an alert that cannot be carried out because of a store', () => {
  it('has its row and must come again; then it is carried out, and logged once', async () => {
    web.answer = 'error'
    const { sid, token } = await functions.signIn()
    functions.lines.length = 0
    const delivery = reuse(sid)
    const first = await brokenBy(without('revoke'), delivery)
    expect(first).toMatchObject({ kind: 'unfinished', containment: { state: 'pending' } })
    expect(await alive(token)).toBe(true)
    expect((await deliver(delivery)).json).toMatchObject({ state: 'done', result: 'success' })
    expect(await alive(token)).toBe(false)
    expect((await deliver(delivery)).json).toEqual({ ignored: 'duplicate' })
    expect(eventsOf('contain')).toMatchObject([{ outcome: 'success', sid }])
    expect(eventsOf('webhook').map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'ignored'])
  })

  it('is answered with 503 within fifteen seconds while Redis is unavailable, and carried out afterwards', async () => {
    web.answer = 'error'
    const { sid, token } = await functions.signIn()
    const calls = { revoke: 0 }
    const revoke: typeof functions.deps.stores.sessions.revoke = async (...given) => {
      if (++calls.revoke < 4) throw new Error('down')
      return functions.deps.stores.sessions.revoke(...given)
    }
    const sessions = { ...functions.deps.stores.sessions, revoke }
    const paused = await startFunctions({ env: functions.env, stores: { sessions }, parts: { fetch: down } })
    const headers = { 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET }
    // A short pause needs nobody's retry.
    expect((await paused.call('contain', { body: reuse(sid), headers })).json).toMatchObject({ state: 'done' })
    expect(await alive(token)).toBe(false)
    const other = await functions.signIn()
    calls.revoke = -1_000
    const started = performance.now()
    const { status, headers: answered } = await paused.call('contain', { body: reuse(other.sid), headers })
    expect({ status, retry: answered.get('retry-after') }).toEqual({ status: 503, retry: '2' })
    expect(performance.now() - started).toBeLessThan(13_000)
    await paused.close()
    expect(await alive(other.token)).toBe(true)
    await sweep({ ...functions.deps.sweep, now: () => Date.now() + 31_000 })
    expect(await alive(other.token)).toBe(false)
  }, 40_000)

  it('is left to a person if it recovered meanwhile; a harmless one is closed', async () => {
    const { sid, token } = await functions.signIn()
    const delivery = reuse(sid)
    await brokenBy(without('revoke'), delivery)
    functions.lines.length = 0
    const over = await deliver({ ...delivery, id: randomUUID(), transition: 'Recovered' })
    expect(over.json).toMatchObject({ state: 'held' })
    expect(eventsOf('contain')).toMatchObject([{ outcome: 'refused', reason: 'recovered', level: 'error', sid }])
    expect(await alive(token)).toBe(true)
    const ip = freshIp()
    const blocks = { ...functions.deps.stores.blocks, block: down }
    const block = stuffing(ip)
    await brokenBy({ blocks }, block)
    const closed = await deliver({ ...block, id: randomUUID(), transition: 'Recovered' })
    expect(closed.json).toMatchObject({ state: 'closed' })
    await sweep({ ...functions.deps.sweep, now: () => Date.now() + 31_000 })
    expect(await functions.deps.stores.blocks.blockedBy(ip, Date.now())).toBeUndefined()
  })

  it('spares a session that the owner opens before it is carried out', async () => {
    const { email, token } = await functions.signIn()
    const userId = (await functions.deps.stores.users.findByEmail(email))?.id ?? ''
    const delivery = about('otp-replay', 'user', `@usr.id:${userId}`)
    expect(await brokenBy(without('raiseEpoch'), delivery)).toMatchObject({ kind: 'unfinished' })
    const epoch = await functions.deps.stores.users.readEpoch(userId)
    const later = await functions.signIn({ email })
    for (let tries = 0; tries < 2; tries++) await deliver({ ...delivery, transition: 'Re-Triggered' })
    expect(await alive(token)).toBe(false)
    expect(await alive(later.token)).toBe(true)
    expect(await functions.deps.stores.users.readEpoch(userId)).toBe(epoch)
    expect(eventsOf('contain')).toMatchObject([{ outcome: 'success', action: 'revoke_user' }])
  })

  it('waits for Postgres only briefly: the claim works without it', async () => {
    const userId = randomUUID()
    const users = { ...functions.deps.stores.users, findById: down, bumpEpoch: down }
    const outcome = await brokenBy({ users }, about('otp-replay', 'user', `@usr.id:${userId}`))
    expect(outcome).toMatchObject({ kind: 'unfinished', containment: { state: 'pending', userId } })
    functions.lines.length = 0
    await sweep({ ...functions.deps.sweep, now: () => Date.now() + 31_000 })
    const said = eventsOf('contain').filter((event) => 'usr' in event && event.usr?.id === userId)
    expect(said).toMatchObject([{ outcome: 'fail', reason: 'subject_gone', level: 'error' }])
  })

  it('does not pass the cap by coming again', async () => {
    const detection = 'takeover-after-failures' // of which no other test contains anybody
    const one = { capLimit: 1, capSourceShare: 1, fetch: down }
    const capped = { ...functions.deps.contain, ...one }
    const of = (sid: string) => JSON.stringify(about(detection, 'session', `@sid:${sid}`))
    await contain(of((await functions.signIn()).sid), request(), capped)
    const { sid, token } = await functions.signIn()
    const body = of(sid)
    const cap = { admit: down }
    expect(await contain(body, request(), { ...capped, cap })).toMatchObject({ kind: 'unfinished' })
    functions.lines.length = 0
    expect(await contain(body, request(), capped)).toMatchObject({ containment: { state: 'held', reason: 'cap' } })
    expect(await contain(body, request(), capped)).toEqual({
      kind: 'ignored',
      reason: 'duplicate',
      of: expect.any(String),
    })
    await sweep({ ...functions.deps.sweep, ...one, now: () => Date.now() + 31_000 })
    expect(await alive(token)).toBe(true)
    const said = eventsOf('contain').filter((event) => 'sid' in event && event.sid === sid)
    expect(said).toMatchObject([{ outcome: 'refused', reason: 'cap' }])
  })
})

describe('an alert that the pull found', () => {
  const open = (sid: string) => ({
    monitorId: '42',
    tags: ['detection:session-reuse', 'contain:session', 'env:prod'],
    scope: `@sid:${sid}`,
    triggeredAt: Math.floor(Date.now() / 1000) * 1000,
  })
  const pull = async (sid: string, found = open(sid)) => {
    const alert = pulledAlert(found)
    if ('fault' in alert) throw new Error(alert.why)
    return handleAlert(alert, randomUUID(), functions.deps.contain)
  }

  it('is carried out like any other; a later webhook repeats it, and the recovery closes it', async () => {
    const { sid } = await functions.signIn()
    functions.lines.length = 0
    const pulled = await pull(sid)
    expect(pulled).toMatchObject({
      kind: 'accepted',
      containment: { state: 'done', cycle: expect.stringMatching(/^pull-\d+$/) },
    })
    const delivery = reuse(sid)
    expect((await deliver(delivery)).json).toEqual({ ignored: 'duplicate' })
    expect(eventsOf('contain')).toHaveLength(1)
    const over = await deliver({ ...delivery, id: randomUUID(), transition: 'Recovered', date: String(Date.now()) })
    expect(over.json).toMatchObject({ state: 'closed' })
    // The next cycle of the alert is no repetition of that.
    expect((await deliver(reuse(sid))).json).toMatchObject({ state: 'done' })
  })

  it('is not a replay, however long ago it began: it is open now', async () => {
    const { sid } = await functions.signIn()
    const outcome = await pull(sid, { ...open(sid), triggeredAt: Date.now() - 40 * 60_000 })
    expect(outcome).toMatchObject({ kind: 'accepted', containment: { state: 'done', result: 'success' } })
  })

  it('is carried out once, however often it is found', async () => {
    const { sid } = await functions.signIn()
    functions.lines.length = 0
    const once = open(sid)
    const found = await Promise.all([pull(sid, once), pull(sid, once)])
    found.push(await pull(sid, once))
    expect(found.at(-1)).toEqual({ kind: 'ignored', reason: 'duplicate', of: expect.any(String) })
    expect(eventsOf('contain')).toHaveLength(1)
  })
})

describe('a cycle', () => {
  it('has one row: a second trigger of it does nothing, a re-trigger renews the block', async () => {
    const ip = freshIp()
    const first = stuffing(ip)
    const { json } = await deliver(first)
    expect((await deliver({ ...first, id: randomUUID() })).json).toEqual({ ignored: 'duplicate' })
    const again = await deliver({ ...first, id: randomUUID(), transition: 'Re-Triggered' })
    expect(again.json).toMatchObject({ containment_id: json.containment_id, state: 'done' })
    expect(eventsOf('contain')).toHaveLength(1)
  })

  it('closes on recovery, and the block runs to its own end', async () => {
    const ip = freshIp()
    const first = stuffing(ip)
    const { json } = await deliver(first)
    expect((await deliver({ ...first, id: randomUUID(), transition: 'Recovered' })).json).toMatchObject({
      state: 'closed',
    })
    expect(await functions.deps.stores.blocks.blockedBy(ip, Date.now())).toMatchObject({
      containmentId: json.containment_id,
    })
    expect((await deliver(stuffing(ip))).json.containment_id).not.toBe(json.containment_id)
  })
})

describe('the cap', () => {
  it('admits its number of subjects, then holds and pages; an operator approves the held ones', async () => {
    const capped = await startFunctions({ env: { ...functions.env, CONTAIN_CAP: '1' } })
    const headers = { 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET }
    await deliver(reuse((await functions.signIn()).sid)) // one subject of this detection, at least, is counted
    const { sid, token } = await capped.signIn()
    capped.lines.length = 0
    const { json } = await capped.call('contain', { headers, body: reuse(sid) })
    expect(json.state).toBe('held')
    expect(capped.events()).toMatchObject([
      { evt: 'contain', outcome: 'refused', reason: 'cap', level: 'error', sid },
      { evt: 'webhook', outcome: 'accepted' },
    ])
    expect(await alive(token)).toBe(true)
    const row = await functions.deps.stores.containments.find('session-reuse', json.containment_id)
    if (!row) throw new Error('no row')
    web.answer = 'error'
    expect(await retry(row, randomUUID(), functions.deps.contain)).toMatchObject({ state: 'done', result: 'success' })
    expect(await alive(token)).toBe(false)
    await capped.close()
  })

  it('counts an owner once, and new accounts separately, so an attacker cannot spend it with own sessions', async () => {
    const detection = 'takeover-actions' // of which no other test contains anybody
    const capped = await startFunctions({ env: { ...functions.env, CONTAIN_CAP: '2' } })
    const headers = { 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET }
    const stateOf = async (sid: string) =>
      (await capped.call('contain', { headers, body: about(detection, 'session', `@sid:${sid}`) })).json.state
    const postgres = new pg.Client({ connectionString: inject('databaseUrl') })
    await postgres.connect()
    const established = async (weeksOld: number) => {
      const { email, sid } = await capped.signIn()
      const { rowCount } = await postgres.query(
        `UPDATE users SET created_at = now() - $2 * interval '1 second' WHERE email = $1`,
        [email, weeksOld * 7 * 86_400],
      )
      expect(rowCount).toBe(1)
      return { email, sid }
    }
    const mine = await capped.signIn()
    for (let n = 0; n < 4; n++) expect(await stateOf((await capped.signIn({ email: mine.email })).sid)).toBe('done')
    expect(await stateOf((await capped.signIn()).sid)).toBe('done')
    expect(await stateOf((await capped.signIn()).sid)).toBe('held')
    // Under seven days is new: the share of the new accounts is spent.
    expect(await stateOf((await established(0.99)).sid)).toBe('held')
    const old = await established(1.01)
    expect(await stateOf(old.sid)).toBe('done')
    for (let n = 0; n < 2; n++) expect(await stateOf((await capped.signIn({ email: old.email })).sid)).toBe('done')
    expect(await stateOf((await established(100)).sid)).toBe('done')
    expect(await stateOf((await established(100)).sid)).toBe('held')
    await postgres.end()
    await capped.close()
  })

  it('does not wait for Postgres: a stolen session ends without it', async () => {
    const { sid } = await functions.signIn()
    const users = { ...functions.deps.stores.users, findById: () => Promise.reject(new Error('no connection')) }
    const cut = await startFunctions({ env: functions.env, stores: { users } })
    const headers = { 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET }
    expect((await cut.call('contain', { headers, body: reuse(sid) })).json.state).toBe('done')
    await cut.close()
  })

  it('counts an IPv6 site once, however many of its networks an attacker uses', async () => {
    const detection = 'canary-account' // of which no other test contains anybody
    const capped = await startFunctions({ env: { ...functions.env, CONTAIN_CAP: '2' } })
    const headers = { 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET }
    const stateOf = async (ip: string) =>
      (await capped.call('contain', { headers, body: about(detection, 'ip', `@network:${networkOf(ip)}`) })).json.state
    for (const host of ['1::1', '1::2', '1::ffff:3', '2::1', '3::1', 'ffff::1']) {
      expect(await stateOf(`2001:db8:7:${host}`)).toBe('done')
    }
    expect(await stateOf('2001:db8:8::1')).toBe('done')
    expect(await stateOf('2001:db8:9::1')).toBe('held')
    expect(await stateOf('192.0.2.7')).toBe('held')
    await capped.close()
  })
})

describe('an operator', () => {
  it('removes a block by an undo, and the next trigger of that cycle leaves it so', async () => {
    const ip = freshIp()
    const delivery = stuffing(ip)
    const { json } = await deliver(delivery)
    const row = await functions.deps.stores.containments.find('credential-stuffing', json.containment_id)
    if (!row) throw new Error('no row')
    await undo(row, randomUUID(), functions.deps.contain)
    expect(await functions.deps.stores.blocks.blockedBy(ip, Date.now())).toBeUndefined()
    expect(eventsOf('contain').at(-1)).toMatchObject({ outcome: 'undone', blocked_network: ip })
    expect((await deliver({ ...delivery, id: randomUUID(), transition: 'Re-Triggered' })).json).toEqual({
      ignored: 'duplicate',
    })
  })
})

describe('the sweeper', () => {
  it('finishes an abandoned containment, once', async () => {
    const { sid, token } = await functions.signIn()
    const containments = { ...functions.deps.stores.containments, revise: down }
    await brokenBy({ ...without('revoke'), containments }, reuse(sid))
    expect(await alive(token)).toBe(true)
    const later = {
      ...functions.deps.sweep,
      fetch: () => Promise.reject(new Error('down')),
      now: () => Date.now() + 61_000,
    }
    const swept = [await sweep(later), await sweep(later)]
    expect(swept[0]?.contained).toBeGreaterThanOrEqual(1)
    expect(swept[1]?.contained).toBe(0)
    expect(await alive(token)).toBe(false)
    expect(eventsOf('contain').filter((event) => 'sid' in event && event.sid === sid)).toHaveLength(1)
  })

  it('fails at once, with a page, a containment that can never be carried out, and continues with the others', async () => {
    const now = new Date()
    const common = { cycle: randomUUID(), action: 'revoke', state: 'pending', alertId: '1', attempts: 0 } as const
    const dates = { alertedAt: now, createdAt: new Date(0), updatedAt: now, nextAt: now }
    const gone = { ...common, ...dates, id: randomUUID(), detection: 'of-last-year', scope: `@sid:${'S'.repeat(22)}` }
    await functions.deps.stores.containments.claim(gone)
    functions.lines.length = 0
    await sweep(functions.deps.sweep)
    await sweep(functions.deps.sweep)
    const row = await functions.deps.stores.containments.find(gone.detection, gone.id)
    expect(row).toMatchObject({ state: 'failed', reason: 'policy_gone' })
    expect(
      eventsOf('contain').filter((event) => 'detection' in event && event.detection === gone.detection),
    ).toMatchObject([{ outcome: 'fail', reason: 'policy_gone', level: 'error', containment_id: gone.id }])
  })

  it('closes an expired block, and runs once of two at the same instant', async () => {
    const { sid, token } = await functions.signIn()
    await functions.deps.stores.sessions.end(sid)
    const later = { ...functions.deps.sweep, ledger: settled(functions.deps.stores.ledger) }
    const swept = await Promise.all([sweep(later), sweep(later)])
    expect(swept.filter((result) => result === undefined)).toHaveLength(1)
    const row = await functions.deps.stores.ledger.locate(sid)
    expect(row?.state).toBe('expired')
    expect(await alive(token)).toBe(false)
    expect(eventsOf('sweep')).toHaveLength(1)
  })

  it('leaves alone a session that is only being issued', async () => {
    const sid = randomUUID().replaceAll('-', '').slice(0, 22)
    const now = Date.now()
    const row = {
      userId: randomUUID(),
      sid,
      state: 'active' as const,
      issuedAt: new Date(now),
      absoluteExpiry: new Date(now + 1e6),
      deviceHash: '0'.repeat(32),
      device: 'x',
      ip: '203.0.113.1',
      via: 'api' as const,
    }
    await functions.deps.stores.ledger.open(row)
    await sweep(functions.deps.sweep)
    expect((await functions.deps.stores.ledger.locate(sid))?.state).toBe('active')
  })
})
