import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { generate } from 'otplib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadDetections } from '../detections/harness.ts'
import { CHROME, FIREFOX, type Functions, PASSWORD, startFunctions } from '../functions/testing/functions.ts'
import { BLOCK_MS } from '../shared/containment/policy.ts'
import { type Clock, OneClock } from './one-clock.ts'

/**
 * Evasions that take longer than anybody waits for `npm run verify`: real requests to the functions over real stores, every
 * monitor over their events, real containments, by one clock. docs/proving-detections.md lists where each evasion is played.
 */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const monitors = (await loadDetections('detections'))
  .map(({ monitor }) => monitor)
  // Nobody beats the heart here.
  .filter(({ slug }) => slug !== 'telemetry-silence')

const clock: Clock = { now: Math.ceil(Date.now() / MINUTE) * MINUTE }
let functions: Functions
beforeAll(async () => {
  functions = await startFunctions({
    // The stores are shared with other tests, which count what the cap admits.
    stores: { cap: { admit: async () => true } },
    parts: { now: () => clock.now },
  })
})
afterAll(async () => {
  await functions.close()
})

let hosts = 0
/** Each in a /48 of its own: the cap counts the networks of one as one. */
const freshIp = () => `2001:db8:${(0xe000 + ++hosts).toString(16)}:1::7`
const owner = () => ({ userAgent: CHROME, ip: freshIp() })
const thief = () => ({ userAgent: FIREFOX, ip: freshIp() })

describe('idle-minute: a session that its owner has left', () => {
  const IDLE_MS = 60 * MINUTE
  /** Whoever presents a token leaves a trace, whatever is asked for. */
  const doors: [string, string][] = [
    ['looks at the account', 'session'],
    ['asks for a successor', 'sessionRenew'],
    ['lists the sessions', 'sessions'],
  ]
  it.each(doors)('is not taken over in its last minute by an attacker who %s', async (_, door) => {
    const laptop = owner()
    const { token } = await functions.signIn(laptop)
    const story = new OneClock(functions, clock, monitors)
    // The second use is within a minute of the first: it is not logged, and the idle time counts from it.
    await story.wait(3 * MINUTE)
    await story.call('session', { ...laptop, token })
    await story.wait(59 * SECOND)
    await story.call('session', { ...laptop, token })
    await story.wait(IDLE_MS - 1)
    const lair = thief()
    expect((await story.call('session', { ...lair, token })).status).toBe(200)
    await story.call(door, { ...lair, token })
    await story.wait(MINUTE)
    expect(story.words()).toEqual(['session-reuse Triggered'])
    for (const from of [lair, laptop]) {
      expect((await story.call('session', { ...from, token })).json).toMatchObject({ code: 'session-revoked' })
    }
  })
})

describe('resumed-spraying: one password, on after the block', () => {
  it('is refused for as long as the alert lasts, though it pauses for longer than a block', async () => {
    const password = `spring ${randomUUID()}`
    const followers = Array.from({ length: 3 }, () => `${randomUUID()}@example.com`)
    for (const email of followers) await functions.register({ email, password })
    const story = new OneClock(functions, clock, monitors)
    const bot = thief()
    const spray = (email: string) => story.call('login', { ...bot, body: { email, password } })
    for (let n = 0; n < 7; n++) await spray(`${randomUUID()}@example.com`)
    await story.wait(MINUTE)
    expect(story.words()).toEqual(['password-spraying Triggered'])
    for (const email of followers) {
      await story.wait(BLOCK_MS - SECOND)
      expect((await spray(email)).status).toBe(401)
    }
    expect(new Set(story.words().slice(1))).toEqual(new Set(['password-spraying Re-Triggered']))
    const elsewhere = await story.call('login', { ...owner(), body: { email: followers[0], password } })
    expect(elsewhere.status).toBe(200)
  })
})

describe('block-outlasting: whatever a blocked network sends', () => {
  it('does not outlast the block while the alert is open, and is blocked again if it continues', async () => {
    const { email } = await functions.signIn()
    const story = new OneClock(functions, clock, monitors)
    const bot = thief()
    const stuff = () =>
      story.call('login', { ...bot, body: { email: `${randomUUID()}@example.com`, password: randomUUID() } })
    for (let n = 0; n < 11; n++) await stuff()
    await story.wait(MINUTE)
    expect(story.words()).toEqual(['credential-stuffing Triggered'])
    const until = clock.now + BLOCK_MS
    for (let n = 0; clock.now + 100 * SECOND < until; n++) {
      await story.wait(100 * SECOND)
      await story.call('login', { ...bot, body: n % 2 === 0 ? { email: 7 } : { email, password: PASSWORD } })
    }
    expect(story.words()).toEqual(['credential-stuffing Triggered', 'credential-stuffing Recovered'])
    await story.until(until)
    for (let n = 0; n < 11; n++) await stuff()
    await story.wait(MINUTE)
    expect(story.words().slice(2)).toEqual(['credential-stuffing Triggered'])
    expect((await story.call('login', { ...bot, body: { email, password: PASSWORD } })).status).toBe(401)
  })
})

/** What stays open, played: whoever closes one finds its test failing here, and takes the sentence out of the runbook. */
describe('open, and named in the runbook', () => {
  const codeOf = (secret: string) => generate({ secret, epoch: Math.floor(clock.now / 1000) })
  const enable = async (story: OneClock, token: string, from: ReturnType<typeof owner>) => {
    const { json } = await story.call('mfaEnrol', { ...from, token })
    return story.call('mfaConfirm', { ...from, token, body: { code: await codeOf(json.secret) } })
  }
  const reauthenticate = async (story: OneClock, token: string, from: ReturnType<typeof owner>): Promise<string> =>
    (await story.call('reauth', { ...from, token, body: { password: PASSWORD } })).json.token
  const said = async (sentence: string, runbook = 'ATO-014-takeover-actions') =>
    expect(await readFile(`runbooks/${runbook}.md`, 'utf8')).toContain(`- **${sentence}**`)

  it('a session copied within five minutes of its owner’s proof, in the owner’s network, sets up the factor of a thief', async () => {
    const laptop = owner()
    const { token } = await functions.signIn(laptop)
    const story = new OneClock(functions, clock, monitors)
    const strong = await reauthenticate(story, token, laptop)
    await story.wait(4 * MINUTE)
    expect((await story.call('mfaEnrol', { ...laptop, ip: freshIp(), token: strong })).status).toBe(403)
    const neighbour = { ...laptop, ip: laptop.ip.replace('::7', '::8') }
    expect((await enable(story, strong, neighbour)).status).toBe(204)
    await story.wait(MINUTE)
    expect(story.words()).toEqual([])
    await said("A session copied within five minutes of its owner's proof")
  })

  it('a thief in an older session, with the password, undoes the factor that an owner turned on with a new device', async () => {
    const laptop = owner()
    const { email, token } = await functions.signIn(laptop)
    const story = new OneClock(functions, clock, monitors)
    await story.wait(MINUTE)
    const phone = thief()
    const body = { email, password: PASSWORD }
    const fresh = (await story.call('login', { ...phone, body })).json.token as string
    expect((await enable(story, await reauthenticate(story, fresh, phone), phone)).status).toBe(204)
    const change = { current_password: PASSWORD, new_password: `another ${randomUUID()}` }
    const lair = { ...laptop, ip: freshIp() }
    expect((await story.call('password', { ...lair, token, body: change })).status).toBe(200)
    await said('A thief in an older session.')
  })

  it('an attacker with one network more than the cap continues from the last one', async () => {
    const admitted = new Set<string>()
    const cap = {
      async admit(_name: string, { subject }: { subject: string }, { subjects }: { subjects: number }) {
        if (!admitted.has(subject) && admitted.size >= subjects) return false
        admitted.add(subject)
        return true
      },
    }
    const capped = await startFunctions({ env: { CONTAIN_CAP: '2' }, stores: { cap }, parts: { now: () => clock.now } })
    const { email } = await capped.signIn()
    const story = new OneClock(capped, clock, monitors)
    const bots = [thief(), thief(), thief()]
    for (const bot of bots) {
      for (let n = 0; n < 11; n++) {
        await story.call('login', { ...bot, body: { email: `${randomUUID()}@example.com`, password: randomUUID() } })
      }
    }
    await story.wait(MINUTE)
    expect(story.words()).toEqual(Array(3).fill('credential-stuffing Triggered'))
    const statuses = []
    for (const bot of bots) {
      statuses.push((await story.call('login', { ...bot, body: { email, password: PASSWORD } })).status)
    }
    expect(statuses.sort()).toEqual([200, 401, 401])
    await capped.close()
    await said('More than twenty-five networks in ten minutes.', 'ATO-001-credential-stuffing')
  })
})
