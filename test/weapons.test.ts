import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Evaluator, logOfEvent, type Monitor } from 'alertproof'
import { notifierFor, parseWebhook, substitute } from 'alertproof/notify'
import { generate } from 'otplib'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { loadDetections } from '../detections/harness.ts'
import { LIMITS } from '../functions/auth/limits.ts'
import { createHashPool } from '../functions/passwords/hash-pool.ts'
import { createPasswords } from '../functions/passwords/passwords.ts'
import { routes } from '../functions/routes.ts'
import { type Asked, FIREFOX, type Functions, PASSWORD, startFunctions } from '../functions/testing/functions.ts'
import { networkOf } from '../shared/client/address.ts'
import type { Event } from '../shared/event.ts'
import { startWeb, type Web } from '../web/testing/harness.ts'

/**
 * The table "The defence as a weapon" of docs/threat-model.md, row by row: whoever abuses a defence, what it does to
 * others. Functions and web as they are composed, over the real stores; every monitor reads what they log, and what a
 * monitor says is delivered to functions.
 */

const HASH_WORKER = fileURLToPath(new URL('../dist/hash-worker.cjs', import.meta.url))
const THREAT_MODEL = new URL('../docs/threat-model.md', import.meta.url)
const CANARY = `planted.${randomUUID()}@example.test`
const WRONG = 'not the right password'
const CAP = 3

const detections = await loadDetections('detections')
const webhook = parseWebhook(await readFile('detections/webhook.json', 'utf8'), 'webhook.json')
// It alerts on what is not there: in this test there is no sweeper.
const monitors = detections.map(({ monitor }) => monitor).filter(({ slug }) => slug !== 'telemetry-silence')
const notifiers = new Map(
  monitors.map((monitor: Monitor) => [monitor, notifierFor(monitor, { variables: {}, origin: 'http://127.0.0.1' })]),
)

let functions: Functions
let web: Web
let share = ''
beforeAll(async () => {
  functions = await startFunctions({ env: { CANARY_ADDRESSES: CANARY, CONTAIN_CAP: `${CAP}` } })
  // The stores are shared with other tests and stories, whose containments are not to be counted here.
  const real = functions.deps.stores.cap
  const cap: typeof real = { admit: (name, ...rest) => real.admit(`${name} ${share}`, ...rest) }
  functions.replace({ cap })
  web = await startWeb()
})
afterAll(async () => {
  await functions?.close()
  await web?.close()
})

/** Every monitor, from the start of one story on. */
class Watch {
  readonly alerts: string[] = []
  readonly #evaluator = new Evaluator(monitors, { live: true })
  #seen = functions.lines.length

  /** Reads what was logged since the last time, and delivers what the monitors say of it. */
  async read(): Promise<void> {
    for (const line of functions.lines.slice(this.#seen)) {
      this.#seen += 1
      const event = JSON.parse(line)
      if (!('evt' in event)) continue
      for (const transition of this.#evaluator.push(logOfEvent(event))) {
        const { slug } = transition.monitor
        this.alerts.push(`${slug} ${Object.values(transition.group ?? {}).join(' ')}`.trim())
        const { values } = notifiers.get(transition.monitor)?.(transition) ?? {}
        if (!values) throw new Error(`${slug} tells nobody`)
        const headers = { 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET }
        await functions.call('contain', { raw: substitute(webhook.payload, values), headers })
      }
    }
  }
}
let watch: Watch
beforeEach(() => {
  share = randomUUID()
  watch = new Watch()
})

/** As addresses are written in the log: without leading zeros. */
const hex = () => randomInt(1, 0x10000).toString(16)
/** A subscriber of a provider that nobody else in these stories has, where the lab's map has one town. */
const anywhere = () => `2001:db8:${randomInt(1, 0x4000).toString(16)}:${hex()}::7`
const email = () => `${randomUUID()}@example.com`
const login = (body: object, asked: Asked = {}) => functions.call('login', { userAgent: FIREFOX, ...asked, body })
const signsIn = async (account: string, asked: Asked = {}, body = {}) =>
  (await login({ email: account, password: PASSWORD, ...body }, asked)).status === 200
const alive = async (token: string) => (await functions.call('session', { token, userAgent: FIREFOX })).status === 200
const isBlocked = async (ip: string) =>
  (await functions.deps.stores.blocks.blockedBy(networkOf(ip), functions.deps.auth.now())) !== undefined
const eventsOf = (evt: Event['evt'], since: number) =>
  functions
    .events()
    .slice(since)
    .filter((event) => event.evt === evt)

/** Somebody with an account, a live session from home and a device that keeps a token. */
async function person(): Promise<{ email: string; token: string; sid: string; device_token: string }> {
  const account = email()
  await functions.register({ email: account, password: PASSWORD })
  const body = { email: account, password: PASSWORD, remember_device: true }
  const { status, json } = await login(body, { ip: anywhere() })
  expect(status).toBe(200)
  return { email: account, ...json }
}

/** What a visitor's browser sends for a page of another site, old browsers and new ones. */
const PAGES: readonly Record<string, string>[] = [
  { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
  { 'sec-fetch-site': 'same-site' },
  { origin: 'https://evil.example' },
  { origin: 'null' },
]

const stories: Readonly<Record<string, () => Promise<void>>> = {
  'floods the password queue': async () => {
    const office = '198.51.100.77'
    const people = await Promise.all(Array.from({ length: 6 }, person))
    // Slow enough, and a queue short enough, that sixty at a time are far too many; the other stores are not the subject.
    const pool = createHashPool(HASH_WORKER, { size: 1, queueLimit: 12 })
    const quick = functions.deps.auth.passwords
    functions.replace({ passwords: createPasswords(pool, functions.config.PASSWORD_PEPPER, 9) })
    const since = functions.events().length
    try {
      const provider = hex()
      const flood = Array.from({ length: 60 }, () =>
        login({ email: email(), password: randomUUID() }, { ip: `2001:db8:${hex()}:${hex()}::${provider}` }),
      )
      const strangers = people.slice(0, 3).map((each) => signsIn(each.email, { ip: office }))
      const devices = people
        .slice(3)
        .map(({ email: own, device_token }) => signsIn(own, { ip: anywhere() }, { device_token }))
      expect(await Promise.all([...strangers, ...devices])).toEqual(Array(6).fill(true))
      await Promise.all(flood)
    } finally {
      functions.replace({ passwords: quick })
      await pool.close()
    }
    const busy = eventsOf('login', since).filter((event) => 'reason' in event && event.reason === 'busy')
    expect(busy.length).toBeGreaterThan(20)
    for (const event of busy) expect(event).toMatchObject({ outcome: 'fail', usr: { exists: false } })
    await watch.read()
    // An alert about the flood itself, as distributed stuffing, is allowed; an alert about a person is not.
    expect(watch.alerts.filter((alert) => alert !== 'distributed-stuffing api')).toEqual([])
    expect(await isBlocked(office)).toBe(false)
  },

  'touches a canary': async () => {
    const [office, elsewhere] = [anywhere(), anywhere()]
    const [stranger, colleague] = [await person(), await person()]
    await login({ email: CANARY, password: WRONG }, { ip: office })
    await watch.read()
    expect(watch.alerts).toEqual([`canary-account ${networkOf(office)}`])
    expect([await isBlocked(office), await isBlocked(elsewhere)]).toEqual([true, false])
    expect(await signsIn(colleague.email, { ip: office }, { device_token: colleague.device_token })).toBe(true)
    expect([await alive(stranger.token), await alive(colleague.token)]).toEqual([true, true])
    expect(await signsIn(stranger.email, { ip: elsewhere })).toBe(true)
    // What stays possible, to whoever is in that network: strangers there wait for a quarter of an hour.
    expect(await signsIn(stranger.email, { ip: office })).toBe(false)
  },

  'spends the cap on sessions of their own': async () => {
    const victim = await person()
    const postgres = new pg.Client({ connectionString: inject('databaseUrl') })
    await postgres.connect()
    await postgres.query(`UPDATE users SET created_at = now() - interval '30 days' WHERE email = $1`, [victim.email])
    await postgres.end()
    /** The session is shown by another kind of device, as a thief does. */
    const stolen = async (token: string) => {
      await functions.call('session', { token, userAgent: 'curl/8.0', ip: anywhere() })
      await watch.read()
    }
    const mine = await person()
    for (let n = 0; n < CAP + 1; n++) {
      await stolen((await login({ email: mine.email, password: PASSWORD }, { ip: anywhere() })).json.token)
    }
    for (let n = 0; n < CAP; n++) await stolen((await person()).token)
    const held = () => functions.events().filter((event) => event.evt === 'contain' && event.outcome === 'refused')
    expect(held()).toHaveLength(1) // their own, one more than the new accounts have
    await stolen(victim.token)
    expect(held()).toHaveLength(1)
    expect(await alive(victim.token)).toBe(false)
    // What stays possible: a newcomer who is robbed in the same ten minutes waits for a person.
    const newcomer = await person()
    await stolen(newcomer.token)
    expect(held()).toHaveLength(2)
  },

  'forges cross-site requests': async () => {
    const visitor = '198.51.100.78'
    const posts = Object.entries(routes(functions.deps)).filter(([, { method }]) => method === 'POST')
    expect(posts.length).toBeGreaterThan(10)
    const since = functions.events().length
    web.lines.length = 0
    for (const marks of PAGES) {
      const headers = { 'content-type': 'text/plain', ...marks }
      for (const [name] of posts) {
        const raw = `{"email":"${CANARY}","password":"guess"}`
        const { status, json } = await functions.call(name, { ip: visitor, raw, headers })
        expect([name, status, json.code]).toEqual([name, 403, 'request-forged'])
      }
      for (const path of ['/login', '/register', '/contain/revoke', '/logout', '/account/password', '/nowhere']) {
        const sent = { ...headers, 'x-forwarded-for': visitor }
        const answer = await fetch(`${web.origin}${path}`, {
          method: 'POST',
          headers: sent,
          body: 'email=a%40example.com',
        })
        expect([path, answer.status]).toEqual([path, 403])
      }
    }
    // An image, a frame, a script: SameSite keeps the cookie back, and a page without one leaves no event.
    for (const path of ['/', '/dashboard', '/login', '/account', '/contain/revoke']) {
      const headers = { 'sec-fetch-site': 'cross-site', 'x-forwarded-for': visitor }
      await fetch(`${web.origin}${path}`, { headers, redirect: 'manual' })
    }
    for (const name of ['session', 'sessions', 'jwks'])
      await functions.call(name, { ip: visitor, headers: PAGES[0] ?? {} })
    expect(web.events()).toEqual([])
    expect(web.functions.calls).toEqual([])
    expect(functions.events().slice(since)).toEqual([])
  },

  "guesses at somebody's account": async () => {
    const owner = await person()
    for (let n = 0; n < 2 * LIMITS.accountFailures.limit + 1; n++) {
      expect(await signsIn(owner.email, { ip: anywhere() }, { password: WRONG })).toBe(false)
    }
    await watch.read()
    expect(watch.alerts.map((alert) => alert.split(' ')[0])).toEqual(['account-brute-force'])
    expect(await alive(owner.token)).toBe(true)
    expect(await signsIn(owner.email, { ip: anywhere() }, { device_token: owner.device_token })).toBe(true)
    // What stays possible: the owner comes as a stranger, and waits like one.
    expect(await signsIn(owner.email, { ip: anywhere() })).toBe(false)
  },

  "registers somebody's address": async () => {
    const address = email()
    const squat = { email: address, password: 'of somebody who squats addresses' }
    for (let n = 0; n < 5; n++) await functions.call('register', { ip: anywhere(), body: squat })
    expect(functions.mails.filter(({ to }) => to === address)).toHaveLength(LIMITS.mails.limit)
    expect(await signsIn(address, { ip: anywhere() }, { password: squat.password })).toBe(false)
    // The owner of an account gets a mail, and the account stays unchanged.
    const { email: taken, token } = await person()
    const before = functions.mails.length
    await functions.call('register', { ip: anywhere(), body: { ...squat, email: taken } })
    expect(functions.mails.slice(before)).toMatchObject([{ to: taken }])
    expect(functions.mails.at(-1)?.text).not.toContain('#token=')
    expect(await signsIn(taken, { ip: anywhere() }, { password: squat.password })).toBe(false)
    expect([await alive(token), await signsIn(taken, { ip: anywhere() })]).toEqual([true, true])
    // An owner who presses the button of a mail that they did not ask for opens nothing.
    const link = { token: functions.tokenTo(address) }
    for (const proof of [{}, { password: PASSWORD }, { registration: randomBytes(16).toString('base64url') }]) {
      const { status } = await functions.call('confirm', { ip: anywhere(), body: { ...link, ...proof } })
      expect(status).toBe(422)
    }
    expect(await signsIn(address, { ip: anywhere() }, { password: squat.password })).toBe(false)
    // What stays possible: an owner types a password that an attacker gave them.
    const confirmed = { ...link, password: squat.password }
    expect((await functions.call('confirm', { ip: anywhere(), body: confirmed })).status).toBe(200)
  },

  'sends what cannot be read': async () => {
    const office = anywhere()
    const colleague = await person()
    const since = functions.events().length
    for (let n = 0; n < 30; n++) await functions.call('login', { ip: office, raw: '{"email":1,"email":2}' })
    expect(eventsOf('login', since)).toHaveLength(30)
    await watch.read()
    expect(watch.alerts).toEqual([])
    expect(await signsIn(colleague.email, { ip: office })).toBe(true)
  },

  "replays a contained session from an office's network": async () => {
    const [office, elsewhere] = [anywhere(), anywhere()]
    const [thief, stranger, colleague] = [await person(), await person(), await person()]
    await functions.call('session', { token: thief.token, userAgent: 'curl/8.0', ip: elsewhere })
    await watch.read()
    expect(watch.alerts).toEqual([`session-reuse ${thief.sid}`])
    for (let n = 0; n < 4; n++) await functions.call('session', { token: thief.token, ip: office })
    await watch.read()
    expect(watch.alerts.at(-1)).toBe(`revoked-session-use ${networkOf(office)}`)
    expect([await isBlocked(office), await isBlocked(elsewhere)]).toEqual([true, false])
    expect(await signsIn(colleague.email, { ip: office }, { device_token: colleague.device_token })).toBe(true)
    expect([await alive(stranger.token), await alive(colleague.token)]).toEqual([true, true])
    // What stays possible, to whoever is in that network.
    expect(await signsIn(stranger.email, { ip: office })).toBe(false)
  },

  "attacks others from the victim's network": async () => {
    const office = anywhere()
    const [stranger, colleague] = [await person(), await person()]
    const atWork = async ({ email: own }: { email: string }, body = {}) =>
      (await login({ email: own, password: PASSWORD, ...body }, { ip: office })).json.token
    const onOldDevice = await atWork(colleague, { device_token: colleague.device_token })
    const onNewDevice = await atWork(stranger)
    for (let n = 0; n < 11; n++) await signsIn(email(), { ip: office }, { password: randomUUID() })
    await watch.read()
    expect(watch.alerts).toEqual([`credential-stuffing ${networkOf(office)}`])
    expect(await isBlocked(office)).toBe(true)
    expect(await signsIn(colleague.email, { ip: office }, { device_token: colleague.device_token })).toBe(true)
    expect([await alive(onOldDevice), await alive(stranger.token)]).toEqual([true, true])
    expect(await signsIn(stranger.email, { ip: anywhere() })).toBe(true)
    // What stays possible, to whoever is in that network: it looks as if the attacker had opened this one.
    expect(await alive(onNewDevice)).toBe(false)
    expect(await signsIn(stranger.email, { ip: office })).toBe(false)
  },

  'makes a hundred accounts': async () => {
    const [farm, neighbour] = [anywhere(), anywhere()]
    const register = (ip: string) => functions.call('register', { ip, body: { email: email(), password: 'short' } })
    const answers: number[] = []
    for (let n = 0; n < 100; n++) answers.push((await register(farm)).status)
    expect(answers.filter((status) => status === 429)).toHaveLength(100 - LIMITS.registrations.limit)
    expect((await register(neighbour)).status).toBe(422)
    await watch.read()
    expect(watch.alerts).toEqual([])
    expect([await isBlocked(farm), await isBlocked(neighbour)]).toEqual([false, false])
  },

  'holds a stolen session and guesses the password in it': async () => {
    const owner = await person()
    const other = (await login({ email: owner.email, password: PASSWORD }, { ip: anywhere() })).json
    const guess = () =>
      functions.call('reauth', { token: owner.token, userAgent: FIREFOX, ip: anywhere(), body: { password: WRONG } })
    for (let n = 0; n < LIMITS.reauthFailures.limit; n++) await guess()
    await watch.read()
    expect(watch.alerts).toEqual([`reauthentication-guessing ${owner.sid}`])
    expect(await alive(owner.token)).toBe(false)
    // The owner loses that session, which somebody else has as well, and nothing more.
    expect(await alive(other.token)).toBe(true)
    expect(await signsIn(owner.email, { ip: anywhere() }, { device_token: owner.device_token })).toBe(true)
  },

  'signs in rightly, over and over': async () => {
    const owner = await person()
    for (let n = 0; n < LIMITS.rightSignIns.limit + 1; n++) await signsIn(owner.email, { ip: anywhere() })
    await watch.read()
    expect(watch.alerts).toEqual([])
    expect(await signsIn(owner.email, { ip: anywhere() }, { device_token: owner.device_token })).toBe(true)
    // What stays possible, to whoever knows the password: an owner who comes as a stranger waits.
    expect(await signsIn(owner.email, { ip: anywhere() })).toBe(false)
  },

  'gives wrong codes, knowing the password': async () => {
    const owner = await person()
    const { token } = (
      await functions.call('reauth', { token: owner.token, userAgent: FIREFOX, body: { password: PASSWORD } })
    ).json
    const { secret } = (await functions.call('mfaEnrol', { token, userAgent: FIREFOX })).json
    const codeIn = (steps: number) => generate({ secret, epoch: functions.deps.auth.now() / 1000 + 30 * steps })
    const enabled = await functions.call('mfaConfirm', { token, userAgent: FIREFOX, body: { code: await codeIn(0) } })
    expect(enabled.status).toBeLessThan(300)
    const verify = async (code: string, body = {}) => {
      const { json } = await login({ email: owner.email, password: PASSWORD, ...body }, { ip: anywhere() })
      const asked = { mfa_token: json.mfa_token, code, ...body }
      return (await functions.call('mfaVerify', { userAgent: FIREFOX, body: asked })).status
    }
    const right = await codeIn(1)
    const wrong = right === '000000' ? '000001' : '000000'
    for (let n = 0; n < LIMITS.mfaFailures.limit; n++) expect(await verify(wrong)).toBe(401)
    await watch.read()
    expect(watch.alerts.map((alert) => alert.split(' ')[0])).toContain('mfa-guessing')
    expect(watch.alerts.filter((alert) => !/^(?:mfa-guessing|takeover-actions) /.test(alert))).toEqual([])
    // What stays possible, to whoever knows the password: an owner on a new device waits for a quarter of an hour.
    expect(await verify(right)).toBe(401)
    expect(functions.events().at(-1)).toMatchObject({ evt: 'mfa', outcome: 'fail', reason: 'too_many' })
    expect(await verify(right, { device_token: owner.device_token })).toBe(200)
  },

  "forges alerts or calls, and names somebody's address": async () => {
    const [victim, forger] = [await person(), anywhere()]
    const since = functions.events().length
    const scope = `@sid:${victim.sid}`
    const body = { scope, tags: 'detection:session-reuse,contain:session', transition: 'Triggered' }
    const headers = { 'x-ato-webhook-secret': 'guess', 'x-forwarded-for': `198.51.100.79, [${forger}]:1` }
    for (let n = 0; n < 4; n++) await functions.call('contain', { headers, body })
    const network = networkOf(forger)
    const refused = { outcome: 'refused', reason: 'bad_secret', ip: forger, network }
    expect(functions.events().slice(since)).toMatchObject(Array(4).fill(refused))
    await watch.read()
    expect(watch.alerts).toEqual([`containment-tampering ${network}`])
    expect([await alive(victim.token), await isBlocked(forger), await isBlocked('198.51.100.79')]).toEqual([
      true,
      false,
      false,
    ])
  },
}

describe('somebody who', () => {
  it.each(Object.entries(stories))('%s', async (_, play) => {
    await play()
  })
})

it('has a row in the threat model for each story, and a story for each row', async () => {
  const [, section = ''] = (await readFile(THREAT_MODEL, 'utf8')).split('## The defence as a weapon\n')
  const rows = section.split('\n## ')[0]?.match(/^\| .* \|$/gm) ?? []
  const cells = rows.map((row) => row.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim()))
  expect(cells.slice(1).map(([actor]) => actor)).toEqual(Object.keys(stories))
  for (const row of cells) expect(row).toHaveLength(5)
})
