import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Io } from 'alertproof/cli'
import { generate } from 'otplib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CookieJar } from '../attacks/kit/clients/cookie-jar.ts'
import { openMailbox } from '../attacks/kit/clients/mailbox.ts'
import { inParallel } from '../attacks/kit/parallel.ts'
import { command as contain } from '../cli/verbs/contain.ts'
import { type LabHandle, startLab } from '../lab/start/lab.ts'
import { removeLab } from '../lab/stores/remove.ts'
import { openLogs } from '../proof/verify/logs.ts'
import { Event } from '../shared/event.ts'
import { Secret } from '../shared/secret.ts'
import { revokeKeys, sign } from '../shared/signature.ts'

/** The whole lab, and clients that the project did not write: the fetch of Node, and curl. */

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0 Safari/537.36'
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
const PASSWORD = 'canary-password long enough'

let lab: LabHandle
let dir: string
let api: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato loop '))
  lab = await startLab({ dir, ports: { web: 0, functions: 0, datadog: 0 }, log: () => {} })
  api = `${lab.urls.functions}/api`
}, 60_000)
afterAll(async () => {
  await lab?.stop()
  await removeLab(dir)
  await rm(dir, { recursive: true, force: true })
})

interface Sent {
  token?: string
  ip?: string
  agent?: string
}
const headersOf = ({ token, ip = '198.51.100.20', agent = CHROME }: Sent): Record<string, string> => ({
  'user-agent': agent,
  'x-lab-client-ip': ip,
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
})
async function post(path: string, body: unknown, sent: Sent = {}) {
  const headers = { 'content-type': 'application/json', ...headersOf(sent) }
  const response = await fetch(`${api}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  const text = await response.text()
  return { status: response.status, json: text ? JSON.parse(text) : undefined }
}
const who = (sent: Sent) =>
  fetch(`${api}/auth/session`, { headers: headersOf(sent) }).then((response) => response.status)

/** The code in the mail, where the page after registering leads to. */
const mailbox = () => openMailbox(lab.urls.datadog, new AbortController().signal)
const linkTo = (email: string) => mailbox().codeAfter(0, email)

async function signIn(sent: Sent = {}, email = `${randomUUID()}@example.com`) {
  const { registration } = (await post('/auth/register', { email, password: PASSWORD }, sent)).json
  await post('/auth/confirm', { token: await linkTo(email), registration }, sent)
  const { json } = await post('/auth/login', { email, password: PASSWORD }, sent)
  return { email, registration: registration as string, sid: json.sid as string, token: json.token as string }
}

/** Asks until the answer is there: what kills a session comes from outside. */
async function untilRefused(sent: Sent, withinMs: number): Promise<void> {
  const started = performance.now()
  while ((await who(sent)) !== 401) {
    if (performance.now() - started > withinMs) throw new Error(`still accepted after ${withinMs} ms`)
  }
}

async function events(): Promise<Event[]> {
  const lines = (await readFile(lab.logs.events, 'utf8')).trim().split('\n')
  return lines
    .map((line) => JSON.parse(line))
    .filter((line) => 'evt' in line)
    .map((line) => Event.parse(line))
}

/** The event of what was done is written once it is done: the refusal may come first. */
async function untilEvents(wanted: (event: Event) => boolean): Promise<Event[]> {
  for (const started = performance.now(); ; ) {
    await lab.flush()
    const found = (await events()).filter(wanted)
    if (found.length > 0 || performance.now() - started > 10_000) return found
  }
}

describe('a stolen token', () => {
  it('dies at its use elsewhere, and the other session of its owner lives', async () => {
    const stolen = await signIn()
    const other = await signIn({ agent: FIREFOX }, stolen.email)
    expect(await who({ token: stolen.token })).toBe(200)
    const thief = { token: stolen.token, agent: FIREFOX, ip: '203.0.113.50' }
    expect(await who(thief)).toBe(200)
    await untilRefused(thief, 10_000)
    expect(await who({ token: stolen.token })).toBe(401)
    expect(await who({ token: other.token, agent: FIREFOX })).toBe(200)
  })

  it('dies when web is down during the alert', async () => {
    const stolen = await signIn({ ip: '198.51.100.21' })
    await who({ token: stolen.token })
    await lab.web.stop()
    try {
      const thief = { token: stolen.token, agent: FIREFOX, ip: '203.0.113.51' }
      await who(thief)
      await untilRefused(thief, 10_000)
      const contained = await untilEvents(
        (event) => event.evt === 'contain' && 'sid' in event && event.sid === stolen.sid,
      )
      expect(contained).toMatchObject([{ outcome: 'success', action: 'revoke', via: 'direct' }])
    } finally {
      await lab.web.start()
    }
  })
})

it('an alert that is an hour old is held and paged; the log names the operator who approves it', async () => {
  const victim = await signIn({ ip: '198.51.100.23' })
  const paged = new Promise<void>((resolve) => {
    const unsubscribe = lab.datadog.subscribe((event) => {
      if (event.kind !== 'alert' || event.alert.monitor !== 'containment-failed') return
      unsubscribe()
      resolve()
    })
  })
  const headers = { 'content-type': 'application/json', 'x-ato-webhook-secret': lab.secrets.ATO_WEBHOOK_SECRET }
  const alert = {
    ...{ id: randomUUID(), alert_id: '1', cycle_key: randomUUID(), transition: 'Triggered' },
    ...{ scope: `@sid:${victim.sid}`, tags: 'detection:session-reuse,contain:session' },
    date: String(Date.now() - 3_600_000),
  }
  const late = await fetch(`${api}/contain`, { method: 'POST', headers, body: JSON.stringify(alert) })
  expect(late.status).toBe(422)
  await paged
  expect(await who({ token: victim.token, ip: '198.51.100.23' })).toBe(200)

  let said = ''
  const io: Io = {
    out: () => {},
    err: (text) => {
      said += text
    },
    color: false,
    signal: new AbortController().signal,
  }
  const which = ['--all', '--reason', 'stale', '--detection', 'session-reuse', '--dir', dir]
  expect(await contain.run(['approve', ...which, '--why', 'CASE-17: still in'], io), said).toBe(0)
  expect(await who({ token: victim.token, ip: '198.51.100.23' })).toBe(401)
  const approved = await untilEvents((event) => event.evt === 'contain' && event.why === 'CASE-17: still in')
  expect(approved).toMatchObject([{ outcome: 'success', sid: victim.sid, operator: expect.stringMatching(/./) }])
  const logs = openLogs(lab.urls.datadog, new AbortController().signal)
  expect(await logs.await(`@evt:contain @operator:* @sid:${victim.sid}`, 1, 5_000)).toHaveLength(1)
}, 30_000)

it('a list tried from many networks is noticed, also when each login is registered first', async () => {
  const noticed = new Promise<void>((resolve) => {
    const unsubscribe = lab.datadog.subscribe((event) => {
      if (event.kind !== 'alert' || event.alert.monitor !== 'distributed-stuffing') return
      unsubscribe()
      resolve()
    })
  })
  const lines = Array.from({ length: 32 }, (_, n) => ({ email: `${randomUUID()}@example.com`, ip: `192.0.2.${n + 1}` }))
  const password = 'of my own choosing'
  // A few at a time: a list that is sent at once would fill the queue of password hashes, which is another test's subject.
  const answers = async (path: string) =>
    (await inParallel(lines, 4, ({ email, ip }) => post(path, { email, password }, { ip }))).map(({ status }) => status)
  expect(new Set(await answers('/auth/register'))).toEqual(new Set([202]))
  expect(new Set(await answers('/auth/login'))).toEqual(new Set([401]))
  await noticed
  const tries = (await events()).filter((event) => event.evt === 'login' && lines.some(({ ip }) => event.ip === ip))
  expect(new Set(tries.map((event) => 'reason' in event && event.reason))).toEqual(new Set(['unknown_user']))
}, 60_000)

describe('a revoke from an unknown sender', () => {
  const revoke = (body: string, header: Record<string, string>) =>
    fetch(`${lab.urls.web}/contain/revoke`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...header },
      body,
    })
  const bodyFor = (sid: string) =>
    JSON.stringify({
      id: randomUUID(),
      op: 'POST /contain/revoke',
      action: 'revoke',
      sid,
      reason: 'test',
      detection: 'session-reuse',
    })

  it('ends the named session on both hosts if it is signed, and no session otherwise', async () => {
    const victim = await signIn({ ip: '198.51.100.22' })
    const body = bodyFor(victim.sid)
    expect((await revoke(body, {})).status).toBe(401)
    expect(
      (await revoke(body, { 'x-ato-signature': `t=${Math.floor(Date.now() / 1000)},v1=${'0'.repeat(64)}` })).status,
    ).toBe(401)
    expect(await who({ token: victim.token, ip: '198.51.100.22' })).toBe(200)
    const keys = revokeKeys([new Secret(lab.secrets.ATO_HMAC_SECRET)])
    const signed = { 'x-ato-signature': sign(body, keys, Date.now()) }
    const answers = await Promise.all([revoke(body, signed), revoke(body, signed)])
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 401])
    expect(await who({ token: victim.token, ip: '198.51.100.22' })).toBe(401)
  })
})

describe('curl alone', () => {
  it('registers, signs in, enrols a second factor, and is refused after a containment', async () => {
    const jar = join(dir, 'curl.jar')
    const curl = async (...args: string[]) => {
      const common = [
        '-s',
        '-o',
        '-',
        '-w',
        '\n%{http_code}',
        '-b',
        jar,
        '-c',
        jar,
        '-H',
        'X-Lab-Client-Ip: 198.51.100.30',
      ]
      const { stdout } = await promisify(execFile)('curl', [...common, ...args])
      const [status = '', ...body] = stdout.trimEnd().split('\n').reverse()
      return { status: Number(status), body: body.reverse().join('\n') }
    }
    const json = (path: string, data: unknown, ...args: string[]) =>
      curl(`${api}${path}`, '-H', 'Content-Type: application/json', '-d', JSON.stringify(data), ...args)
    const email = `${randomUUID()}@example.com`
    const credentials = { email, password: PASSWORD }
    const registered = await json('/auth/register', credentials)
    expect(registered.status).toBe(202)
    const { registration } = JSON.parse(registered.body)
    const mails = JSON.parse((await curl(`${lab.urls.datadog}/mail.json?wait=10&to=${email}`)).body).mails
    const [, link] = /#token=(.+)$/.exec(mails[0].links.find((url: string) => url.includes('/confirm#'))) ?? []
    expect((await json('/auth/confirm', { token: link, registration })).status).toBe(200)
    const token = JSON.parse((await json('/auth/login', credentials)).body).token as string
    const proof = await json('/auth/reauth', { password: PASSWORD }, '-H', `Authorization: Bearer ${token}`)
    const bearer = ['-H', `Authorization: Bearer ${JSON.parse(proof.body).token}`]
    const { secret } = JSON.parse((await curl(`${api}/auth/mfa/enrol`, '-X', 'POST', ...bearer)).body)
    const code = await generate({ secret })
    expect((await json('/auth/mfa/confirm', { code }, ...bearer)).status).toBe(204)
    expect(JSON.parse((await json('/auth/login', credentials)).body)).toHaveProperty('mfa_token')

    const form = (path: string, data: string) => curl(`${lab.urls.web}${path}`, '-d', data)
    const other = `${randomUUID()}@example.com`
    const typed = `email=${other}&password=${encodeURIComponent(PASSWORD)}`
    expect((await form('/register', typed)).status).toBeLessThan(400)
    expect((await form('/login', typed)).status).toBe(403)
    expect((await form('/confirm', `token=${await linkTo(other)}`)).status).toBeLessThan(400)
    expect((await form('/login', typed)).status).toBeLessThan(400)
    expect((await curl(`${lab.urls.web}/dashboard`)).body).toContain(other)
    const [, cookie = ''] = /session\t(\S+)/.exec(await readFile(jar, 'utf8')) ?? []
    await fetch(`${lab.urls.web}/dashboard`, {
      headers: { cookie: `session=${cookie}`, 'user-agent': FIREFOX, 'x-lab-client-ip': '203.0.113.52' },
    })
    const started = performance.now()
    let page = await curl(`${lab.urls.web}/dashboard`)
    while (page.status === 200 && performance.now() - started < 5_000) page = await curl(`${lab.urls.web}/dashboard`)
    expect(page.status).not.toBe(200)
  })
})

describe('the address of another person, registered by a thief', () => {
  const THIEFS = 'of my own choosing, as a thief'
  const OWNERS = 'of the owner, and as long'

  /** A person's browser, or script: it keeps what registering leaves it with. */
  interface Person {
    register(email: string, password: string): Promise<void>
    /** @param password absent: the button alone */
    opens(token: string, password?: string): Promise<boolean>
    signsIn(email: string, password: string): Promise<boolean>
  }
  const atFunctions = (sent: Sent): Person => {
    let registration: string | undefined
    return {
      async register(email, password) {
        registration = (await post('/auth/register', { email, password }, sent)).json.registration
      },
      async opens(token, password) {
        const proof = password === undefined ? { registration } : { password }
        return (await post('/auth/confirm', { token, ...proof }, sent)).status === 200
      },
      signsIn: async (email, password) => (await post('/auth/login', { email, password }, sent)).status === 200,
    }
  }
  const atWeb = (sent: Sent): Person => {
    const jar = new CookieJar(lab.urls.web)
    const leadsTo = async (place: string, path: string, fields: Record<string, string>) => {
      const headers = { ...headersOf(sent), origin: lab.urls.web, cookie: jar.header() }
      const body = new URLSearchParams(fields)
      const answer = await fetch(lab.urls.web + path, { method: 'POST', redirect: 'manual', headers, body })
      jar.take(answer.headers.getSetCookie())
      return answer.headers.get('location') === place
    }
    return {
      async register(email, password) {
        expect(await leadsTo('/register/sent', '/register', { email, password })).toBe(true)
      },
      opens: (token, password) =>
        leadsTo('/login?notice=confirmed', '/confirm', { token, ...(password !== undefined && { password }) }),
      signsIn: (email, password) => leadsTo('/dashboard', '/login', { email, password }),
    }
  }

  it.each([
    ['functions', atFunctions],
    ['web', atWeb],
  ] as const)('is opened by nobody at %s, until its owner registers', async (_, at) => {
    const email = `${randomUUID()}@example.com`
    const [thief, owner] = [at({ ip: '198.51.100.71' }), at({ ip: '198.51.100.72' })]
    await thief.register(email, THIEFS)
    const link = await linkTo(email)
    const sent = await mailbox().newest(email)
    // The owner presses the button, and gives the password that they would choose. The thief has no mail.
    expect([await owner.opens(link), await owner.opens(link, OWNERS)]).toEqual([false, false])
    const guess = link.replace(/./, (first) => (first === 'A' ? 'B' : 'A'))
    expect([await thief.opens(guess), await thief.opens(guess, THIEFS)]).toEqual([false, false])
    expect(await thief.signsIn(email, THIEFS)).toBe(false)

    await owner.register(email, OWNERS)
    const own = await mailbox().codeAfter(sent, email)
    expect([await owner.opens(link), await thief.opens(own), await owner.opens(own)]).toEqual([false, false, true])
    // The thief's registration is gone, even for whoever has all of it.
    expect([await thief.opens(link), await thief.opens(link, THIEFS)]).toEqual([false, false])
    expect([await thief.signsIn(email, THIEFS), await owner.signsIn(email, OWNERS)]).toEqual([false, true])
  })
})

it('leaves no password, token, code or secret in any log', async () => {
  const { email, registration, token } = await signIn({ ip: '198.51.100.40' })
  const link = await linkTo(email)
  await post('/auth/login', { email: 'canary-typed-into-the-wrong-field', password: PASSWORD }, { ip: '198.51.100.40' })
  await fetch(`${lab.urls.web}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `email=canary-x&password=${PASSWORD}`,
  })
  await lab.flush()
  const names = await readdir(lab.logs.dir)
  const logs = (await Promise.all(names.map((name) => readFile(join(lab.logs.dir, name), 'utf8')))).join('\n')
  const indexed = await fetch(`${lab.urls.datadog}/lab/logs?query=*&limit=5000`).then((response) => response.text())
  const secrets = Object.values(lab.secrets).filter((value) => !value.startsWith('{'))
  for (const canary of [
    'canary',
    token,
    link,
    registration,
    ...secrets,
    ...(JSON.parse(lab.secrets.SESSION_SIGNING_KEYS).keys as { d: string }[]).map((key) => key.d),
  ]) {
    expect(logs).not.toContain(canary)
    expect(indexed).not.toContain(canary)
  }
  expect(logs).toContain('"evt":"login"')
})
