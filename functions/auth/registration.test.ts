import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { networkOf, normalizeAddress } from '../../shared/client/address.ts'
import { ProblemError } from '../../shared/problem.ts'
import { connectPostgres } from '../../shared/stores/connect.ts'
import { sweep } from '../sweep/sweep.ts'
import { type Asked, type Functions, PASSWORD, startFunctions } from '../testing/functions.ts'
import { LIMITS, REGISTRATION_TRIES as LINK_TRIES } from './limits.ts'

const OTHER = 'another password, long enough'
const HOUR_MS = 3_600_000
const { pool, close } = connectPostgres(inject('databaseUrl'))

let functions: Functions
let clock = Date.now()
beforeAll(async () => {
  functions = await startFunctions({ parts: { now: () => clock } })
})
afterAll(async () => {
  await functions.close()
  await close()
})
beforeEach(() => {
  clock = Date.now()
  functions.lines.length = 0
  functions.mails.length = 0
})

const anyone = () => `${randomUUID()}@example.com`
const anywhere = () => {
  const [a, b] = randomUUID().split('-').slice(1)
  return normalizeAddress(`2001:db8:${a}:${b}::1`) ?? ''
}
/** What each registration was answered with, by the token that was sent because of it. */
const answered = new Map<string | undefined, string>()
const register = async (email: string, password = PASSWORD, asked: Asked = {}) => {
  const answer = await functions.call('register', { ip: anywhere(), ...asked, body: { email, password } })
  const token = functions.tokenTo(email)
  if (!answered.has(token)) answered.set(token, answer.json.registration)
  return answer
}
const newSecret = () => randomBytes(16).toString('base64url')
type Proof = { registration?: string | undefined; password?: string }
/** As whoever registered, unless another proof is given. */
const confirm = (token: string | undefined, asked: Asked = {}, proof: Proof = {}) => {
  const own = { registration: answered.get(token) ?? newSecret() }
  return functions.call('confirm', {
    ip: anywhere(),
    ...asked,
    body: { token, ...('password' in proof ? proof : { ...own, ...proof }) },
  })
}
/** As web passes on what its visitor sent. */
const callFromWeb: Functions['call'] = (name, { body, ip } = {}) =>
  functions.callFromWeb(name, body, ip === undefined ? {} : { ip })
const confirmBy = (token: string | undefined, password: string, asked: Asked = {}) =>
  confirm(token, asked, { password })
const signIn = (email: string, password = PASSWORD) =>
  functions.call('login', { ip: anywhere(), body: { email, password } })
const outcomes = () =>
  functions.events().map((event) => [event.evt, 'outcome' in event && event.outcome, 'reason' in event && event.reason])
const rowsOf = async (email: string) => (await pool.query('SELECT * FROM registrations WHERE email = $1', [email])).rows
const comparable = ({ status, headers, json }: Awaited<ReturnType<typeof register>>) => ({
  status,
  headers: [...headers],
  json: {
    ...json,
    ...('instance' in json && { instance: '' }),
    ...('registration' in json && { registration: /^[\w-]{22}$/.test(json.registration) }),
  },
})

describe('a registration', () => {
  it('opens no account: nobody can sign in until the link in the mail is used', async () => {
    const email = anyone()
    const asked = await register(email)
    expect(asked).toMatchObject({
      status: 202,
      json: { accepted: true, registration: expect.stringMatching(/^[\w-]{22}$/) },
    })
    expect(JSON.stringify(await rowsOf(email))).not.toContain(asked.json.registration)
    expect((await signIn(email)).status).toBe(401)
    expect(await functions.deps.stores.users.findByEmail(email)).toBeUndefined()

    expect(await confirm(functions.tokenTo(email))).toMatchObject({ status: 200, json: { email } })
    expect((await signIn(email)).status).toBe(200)
    expect(outcomes().filter(([evt]) => evt !== 'session')).toEqual([
      ['register', 'pending', false],
      ['login', 'fail', 'unknown_user'],
      ['register', 'success', false],
      ['login', 'success', false],
    ])
    const user = await functions.deps.stores.users.findByEmail(email)
    const [, , success] = functions.events().filter(({ evt }) => evt !== 'session')
    expect(success).toMatchObject({ email, login_hash: expect.any(String), usr: { id: user?.id } })
  })

  it('is answered alike for a free address, a taken one and one that is asked for, and the sign-in after it too', async () => {
    const [free, taken, asked] = [anyone(), anyone(), anyone()]
    await functions.register({ email: taken, password: PASSWORD })
    await register(asked)
    functions.mails.length = 0
    const statements = countStatements()
    const answers = []
    for (const email of [free, taken.toUpperCase(), asked]) {
      answers.push({ ...comparable(await register(email, OTHER)), statements: statements.take() })
    }
    statements.stop()
    expect(answers[0]).toMatchObject({ status: 202, json: { accepted: true } })
    expect(answers[1]).toEqual(answers[0])
    expect(answers[2]).toEqual(answers[0])
    const signIns = []
    for (const email of [free, taken, asked]) signIns.push(comparable(await signIn(email, OTHER)))
    expect(signIns[0]).toMatchObject({ status: 401 })
    expect(signIns[1]).toEqual(signIns[0])
    expect(signIns[2]).toEqual(signIns[0])
  })

  it('does not wait for its mail', async () => {
    const slow = await startFunctions({ parts: { notify: () => void new Promise(() => {}) } })
    expect((await slow.call('register', { body: { email: anyone(), password: PASSWORD } })).status).toBe(202)
    await slow.close()
  })

  it('of a taken address sends a mail to its owner and changes nothing', async () => {
    const email = anyone()
    await functions.register({ email, password: PASSWORD })
    functions.mails.length = 0
    await register(email, OTHER)
    expect(functions.mails).toMatchObject([{ to: email, subject: 'You already have an account' }])
    expect(functions.mails[0]?.text).not.toContain('token')
    expect((await signIn(email, OTHER)).status).toBe(401)
    expect((await signIn(email)).status).toBe(200)
  })

  it('puts only the client’s address and a device name from a list into a mail', async () => {
    await register(anyone(), 'canary-password-of-a-person', {
      ip: '203.0.113.9',
      userAgent: 'canary http://evil.example/ Firefox/1 Linux',
      headers: { referer: 'https://canary.example/', 'accept-language': 'canary' },
    })
    const [mail] = functions.mails
    expect(mail?.text).toContain('from 203.0.113.9, by Firefox on Linux.')
    expect(JSON.stringify(mail)).not.toMatch(/canary|evil/)
  })

  it('whose password cannot be hashed is busy: no throttle counts it', async () => {
    const passwords = { ...functions.deps.auth.passwords, hash: () => Promise.reject(new ProblemError('unavailable')) }
    const busy = await startFunctions({ parts: { passwords } })
    const ip = anywhere()
    for (let n = 0; n < LIMITS.registrations.limit + 1; n++) {
      const answer = await busy.call('register', { ip, body: { email: anyone(), password: PASSWORD } })
      expect(answer.status).toBe(503)
    }
    expect(new Set(busy.events().map((event) => 'reason' in event && event.reason))).toEqual(new Set(['busy']))
    await busy.close()
  })
})

describe('a blocked network', () => {
  const block = (ip: string) =>
    functions.deps.stores.blocks.block(networkOf(ip), { containmentId: randomUUID(), until: clock + HOUR_MS })

  it('cannot register anybody or cause a mail, and every attempt is logged as blocked', async () => {
    const [ip, email] = [anywhere(), anyone()]
    await register(email)
    const link = functions.tokenTo(email)
    functions.mails.length = 0
    functions.lines.length = 0
    await block(ip)
    const refused = comparable(await register(anyone(), PASSWORD, { ip }))
    expect(refused).toEqual(comparable(await register(anyone())))
    expect(refused.json.registration).toBe(true)
    const sent = functions.mails.length
    expect((await register(anyone(), 'short', { ip })).status).toBe(422)
    expect((await register('nobody', PASSWORD, { ip })).status).toBe(400)
    expect((await functions.call('register', { ip, raw: '{' })).status).toBe(400)
    expect((await confirm(link, { ip })).status).toBe(422)
    expect(functions.mails).toHaveLength(sent)
    expect(outcomes().map(([, , reason]) => reason)).toEqual(['blocked', false, ...Array(4).fill('blocked')])
    expect((await confirm(link)).status).toBe(200)
  })

  it('is refused also when the block comes while the password is hashed', async () => {
    const [ip, email] = [anywhere(), anyone()]
    const { hash } = functions.deps.auth.passwords
    const passwords = {
      ...functions.deps.auth.passwords,
      hash: async (password: string) => {
        await block(ip)
        return hash(password)
      },
    }
    const slow = await startFunctions({ env: functions.env, parts: { passwords, now: () => clock } })
    expect((await slow.call('register', { ip, body: { email, password: PASSWORD } })).status).toBe(202)
    expect(slow.events()).toMatchObject([{ evt: 'register', outcome: 'fail', reason: 'blocked' }])
    expect([slow.mails, await rowsOf(email)]).toEqual([[], []])
    await slow.close()
  })
})

describe('the owner of the address', () => {
  it('gets the account by their own link, whatever others requested before and after', async () => {
    const email = anyone()
    await register(email, OTHER)
    const foreign = functions.tokenTo(email)
    await register(email)
    const own = functions.tokenTo(email)
    await register(email, OTHER)
    expect((await confirm(own)).status).toBe(200)
    expect((await signIn(email)).status).toBe(200)
    expect((await signIn(email, OTHER)).status).toBe(401)
    for (const token of [foreign, functions.tokenTo(email), own]) expect((await confirm(token)).status).toBe(422)
    expect((await signIn(email)).status).toBe(200)
    expect(await rowsOf(email)).toEqual([])
  })

  it('gets a link although one network has requested as many as it may', async () => {
    const [email, ip] = [anyone(), anywhere()]
    for (let n = 0; n < 20; n++) await register(email, OTHER, { ip })
    expect(functions.mails).toHaveLength(LIMITS.mailsOfNetwork.limit)
    await register(email)
    expect(functions.mails).toHaveLength(LIMITS.mailsOfNetwork.limit + 1)
    await confirm(functions.tokenTo(email))
    expect((await signIn(email)).status).toBe(200)
  })

  it('may use the link up to the very last millisecond of a day, and not at its end', async () => {
    const [early, late] = [anyone(), anyone()]
    await register(early)
    await register(late)
    clock += 24 * HOUR_MS - 1
    expect((await confirm(functions.tokenTo(early))).status).toBe(200)
    clock += 1
    expect((await confirm(functions.tokenTo(late))).status).toBe(422)
  })
})

describe('a person who registered the address of another', () => {
  it('has no mail, and the owner of the address does not know the password: nobody opens the account', async () => {
    for (const call of [functions.call, callFromWeb]) {
      const email = anyone()
      const thief = await register(email, OTHER)
      const link = functions.tokenTo(email)
      // The owner presses the button: without a proof, with one of their own, with a password of their own.
      const own = (await register(anyone())).json.registration
      const presses = []
      for (const proof of [{}, { registration: own }, { password: PASSWORD }]) {
        presses.push(comparable(await call('confirm', { ip: anywhere(), body: { token: link, ...proof } })))
      }
      expect(presses[0]).toMatchObject({ status: 422, json: { code: 'confirmation-refused' } })
      expect(presses).toEqual([presses[0], presses[0], presses[0]])
      // The thief has what belongs to the registration, and no link.
      const { registration } = thief.json
      for (const proof of [{ registration }, { password: OTHER }]) {
        const guess = { token: randomBytes(32).toString('base64url'), ...proof }
        expect((await call('confirm', { ip: anywhere(), body: guess })).status).toBe(422)
      }
      expect(await functions.deps.stores.users.findByEmail(email)).toBeUndefined()
      // The owner registers: their link works with their password, and the thief's registration dies with it.
      await register(email)
      const ownLink = functions.tokenTo(email)
      expect((await call('confirm', { ip: anywhere(), body: { token: ownLink, registration } })).status).toBe(422)
      expect((await call('confirm', { ip: anywhere(), body: { token: ownLink, password: PASSWORD } })).status).toBe(200)
      expect((await confirm(link, {}, { registration })).status).toBe(422)
      expect((await confirmBy(link, OTHER)).status).toBe(422)
      expect([(await signIn(email)).status, (await signIn(email, OTHER)).status]).toEqual([200, 401])
    }
  })
})

describe('the password that was registered', () => {
  it('opens the account anywhere, and a wrong one or a wrong answer before it does not use the link up', async () => {
    const email = anyone()
    await register(email)
    const link = functions.tokenTo(email)
    functions.lines.length = 0
    for (let n = 0; n < LINK_TRIES - 1; n++) expect((await confirmBy(link, OTHER)).status).toBe(422)
    expect((await confirm(link, {}, { registration: newSecret() })).status).toBe(422)
    expect(await confirmBy(link, PASSWORD)).toMatchObject({ status: 200, json: { email } })
    expect(outcomes()).toEqual([
      ...Array(LINK_TRIES).fill(['register', 'fail', 'bad_token']),
      ['register', 'success', false],
    ])
  })

  it('is checked five times per link, also in parallel; the secret of the answer still opens the account', async () => {
    const email = anyone()
    await register(email)
    const link = functions.tokenTo(email)
    const checked = countChecks()
    const wrong = await Promise.all(Array.from({ length: LINK_TRIES + 3 }, () => confirmBy(link, OTHER)))
    const right = await confirmBy(link, PASSWORD)
    const unknown = await confirmBy('A'.repeat(43), PASSWORD)
    const unreadable = await confirmBy('nonsense', PASSWORD)
    checked.stop()
    for (const answer of [...wrong, right, unknown, unreadable]) {
      expect(comparable(answer)).toEqual(comparable(await confirm(link, {}, { registration: newSecret() })))
    }
    // The same work for all of them: one hash each, for the first five with the registration's own.
    expect(checked.stored).toHaveLength(LINK_TRIES + 6)
    expect(checked.stored.filter((hash) => hash !== undefined)).toHaveLength(LINK_TRIES)
    expect((await confirm(link)).status).toBe(200)
  })

  it('that cannot be checked is busy: neither an attempt at the link nor a throttle counts it', async () => {
    const email = anyone()
    await register(email)
    const link = functions.tokenTo(email)
    const passwords = { ...functions.deps.auth.passwords, check: () => Promise.reject(new ProblemError('unavailable')) }
    const busy = await startFunctions({ parts: { passwords } })
    const ip = anywhere()
    for (let n = 0; n < LIMITS.confirmations.limit + 1; n++) {
      const answer = await busy.call('confirm', { ip, body: { token: link, password: PASSWORD } })
      expect(answer.status).toBe(503)
    }
    expect(new Set(busy.events().map((event) => 'reason' in event && event.reason))).toEqual(new Set(['busy']))
    await busy.close()
    expect((await confirmBy(link, PASSWORD, { ip })).status).toBe(200)
  })

  it('opens no account if the network is blocked during the check', async () => {
    const [ip, email] = [anywhere(), anyone()]
    await register(email)
    const link = functions.tokenTo(email)
    const { check } = functions.deps.auth.passwords
    const passwords = {
      ...functions.deps.auth.passwords,
      check: async (...given: Parameters<typeof check>) => {
        await functions.deps.stores.blocks.block(networkOf(ip), { containmentId: randomUUID(), until: clock + HOUR_MS })
        return check(...given)
      },
    }
    const slow = await startFunctions({ env: functions.env, parts: { passwords, now: () => clock } })
    const answer = await slow.call('confirm', { ip, body: { token: link, password: PASSWORD } })
    expect(answer.status).toBe(422)
    expect(slow.events()).toMatchObject([{ evt: 'register', outcome: 'fail', reason: 'blocked' }])
    await slow.close()
    expect((await confirm(link)).status).toBe(200)
  })

  it('opens a registration from an older release, which returned no secret', async () => {
    const email = anyone()
    await register(email)
    await pool.query('UPDATE registrations SET registration_hash = NULL WHERE email = $1', [email])
    const link = functions.tokenTo(email)
    expect((await confirm(link)).status).toBe(422)
    expect((await confirmBy(link, PASSWORD)).status).toBe(200)
  })
})

describe('a link', () => {
  it('opens one account, however many press at once', async () => {
    const email = anyone()
    await register(email)
    await register(email, OTHER)
    const tokens = functions.mails.map(({ text }) => /token=(\S+)/.exec(text)?.[1])
    const answers = await Promise.all([...tokens, ...tokens, ...tokens].map((token) => confirm(token)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 422, 422, 422, 422, 422])
    expect(outcomes().filter(([, outcome]) => outcome === 'success')).toHaveLength(1)
  })

  it('that is used, unknown, too old or malformed gets the same answer', async () => {
    const email = anyone()
    await functions.register({ email, password: PASSWORD })
    const used = functions.tokenTo(email)
    const answers = []
    for (const token of [used, 'A'.repeat(43), 'nonsense', `unsent:${'0'.repeat(64)}`]) {
      answers.push(comparable(await confirm(token)))
    }
    expect(answers[0]).toMatchObject({ status: 422, json: { code: 'confirmation-refused' } })
    for (const answer of answers) expect(answer).toEqual(answers[0])
  })

  it.each([
    [{}],
    [{ token: '' }],
    [{ token: 7 }],
    [{ token: 'x'.repeat(257) }],
    [{ token: 'x', registration: '' }],
    [{ token: 'x', password: 7 }],
    [{ token: 'x', registration: 'x', password: 'x' }],
    [[]],
  ])('that cannot be read (%j) is one malformed event', async (body) => {
    expect((await functions.call('confirm', { ip: anywhere(), body })).status).toBe(400)
    expect(outcomes()).toEqual([['register', 'fail', 'malformed']])
  })

  it('is kept as a hash, and guessing at links is limited for each network', async () => {
    const [email, ip] = [anyone(), anywhere()]
    await register(email)
    const token = functions.tokenTo(email) ?? ''
    expect(token).toMatch(/^[\w-]{43}$/)
    expect(JSON.stringify(await rowsOf(email))).not.toContain(token)
    for (let n = 0; n < LIMITS.confirmations.limit; n++) await confirm('A'.repeat(43), { ip })
    expect((await confirm(token, { ip })).status).toBe(429)
    expect(outcomes().at(-1)).toEqual(['register', 'fail', 'throttled'])
    expect((await confirm(token)).status).toBe(200)
  })
})

describe('a registration cannot', () => {
  it('fill a mailbox: three mails in an hour, the rest is withheld in silence', async () => {
    for (const taken of [false, true]) {
      const email = anyone()
      if (taken) await functions.register({ email, password: PASSWORD })
      functions.mails.length = 0
      const answers = []
      for (let n = 0; n < 10; n++) answers.push(comparable(await register(email)))
      expect(functions.mails.length).toBe(LIMITS.mails.limit - (taken ? 1 : 0))
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    }
  })

  it('fill it by subaddresses', async () => {
    const name = randomUUID()
    for (let n = 0; n < 20; n++) await register(`${name}+${n}@example.com`)
    expect(functions.mails).toHaveLength(LIMITS.mailsToMailbox.limit)
  })

  it('fill the database: one row for each mail, one for all withheld mails, and none after a sweep', async () => {
    const email = anyone()
    for (let n = 0; n < 10; n++) await register(email)
    expect(await rowsOf(email)).toHaveLength(LIMITS.mails.limit + 1)
    clock += 24 * HOUR_MS
    const lease = { fence: 1, renew: async () => true, release: async () => {} }
    await sweep({ ...functions.deps.sweep, leases: { acquire: async () => lease } })
    expect(await rowsOf(email)).toEqual([])
  })

  it('register without end from one network', async () => {
    const ip = anywhere()
    for (let n = 0; n < LIMITS.registrations.limit; n++) await register('nobody', PASSWORD, { ip })
    const answer = await register(anyone(), PASSWORD, { ip })
    expect([answer.status, answer.headers.has('retry-after')]).toEqual([429, true])
  })
})

/** The hashes that passwords were compared with; undefined where the work was done for nothing. */
function countChecks() {
  const stored: (string | undefined)[] = []
  const { passwords } = functions.deps.auth
  const { check } = passwords
  Object.assign(passwords, {
    check: (...given: Parameters<typeof check>) => {
      stored.push(given[1])
      return check(...given)
    },
  })
  return { stored, stop: () => Object.assign(passwords, { check }) }
}

/** Names of the statements that were sent to Postgres since the last look. */
function countStatements() {
  const seen: string[] = []
  const { users, registrations } = functions.deps.stores
  const { findByEmail } = users
  const { add } = registrations
  Object.assign(users, {
    findByEmail: (email: string) => {
      seen.push('findByEmail')
      return findByEmail(email)
    },
  })
  Object.assign(registrations, {
    add: (...given: Parameters<typeof add>) => {
      seen.push('add')
      return add(...given)
    },
  })
  return {
    take: () => [...seen.splice(0), ...functions.mails.splice(0).map(() => 'mail')],
    stop: () => {
      Object.assign(users, { findByEmail })
      Object.assign(registrations, { add })
    },
  }
}
