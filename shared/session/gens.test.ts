import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { connectRedis } from '../stores/connect.ts'
import { createMemorySessions } from '../stores/memory/live-sessions.ts'
import type { LiveSessions } from '../stores/port.ts'
import { createLiveSessions } from '../stores/redis/live-sessions.ts'
import { inMs } from './gens.ts'
import type { Lifetimes } from './policy.ts'
import { createBrowser, type Habits, ownerOf } from './testing/browser.ts'
import { createSimulation, seeded } from './testing/clock.ts'
import { createThief, STRATEGIES, type Strategy, type Thief } from './testing/thief.ts'

const PRODUCTION: Lifetimes = { idleSeconds: 3600, renewSeconds: 300, graceSeconds: 30 }
const LAB: Lifetimes = { idleSeconds: 3600, renewSeconds: 15, graceSeconds: 10 }
/** The shortest renewal that a configuration may have beside its grace. */
const TIGHT: Lifetimes = { idleSeconds: 3600, renewSeconds: 10, graceSeconds: 10 }

const START = Date.parse('2026-03-01T12:00:00Z')
const HOUR_MS = 3_600_000
const CLICKS_MS = [4_000, 7_000, 12_000, 20_000, 60_000] as const
const HOME = ['198.51.100.7', '203.0.113.80', '2001:db8:7:1::/64'] as const

const { redis, close } = connectRedis(inject('redisUrl'))
afterAll(close)

async function startSession(sessions: LiveSessions, now: number): Promise<string> {
  const sid = randomBytes(16).toString('base64url')
  const absoluteExpiry = now + 24 * HOUR_MS
  await sessions.create(
    {
      sid,
      userId: ownerOf(sid),
      deviceHash: 'd'.repeat(32),
      amr: ['pwd'],
      acr: 'signed-in',
      authTime: now,
      absoluteExpiry,
      epoch: 1,
      via: 'web',
      ip: HOME[0],
      device: 'Firefox on Linux',
    },
    now,
  )
  return sid
}

/** People of all kinds: quick and slow, at home and on the move, on good lines and on bad ones. */
function somebody(random: () => number, { graceMs }: { graceMs: number }): Habits {
  const between = (low: number, high: number) => low + (high - low) * random()
  const usual = 1000 * 10 ** between(0, 2.5)
  const [slow, roams, busy] = [random(), random(), random()]
  const loss = random() < 0.5 ? 0 : between(0, 0.3)
  return {
    random,
    loss,
    retry: 0.8,
    patience: graceMs,
    pause: () => (random() < 0.02 ? between(0, 2 * HOUR_MS) : usual * between(0.1, 3)),
    requests: () => (random() < busy ? 1 + Math.floor(between(0, 6)) : 1),
    roundTrip: () => (random() < slow ? between(0, graceMs) : between(5, 300)),
    network: () => HOME[random() < roams ? Math.floor(between(0, HOME.length)) : 0] ?? HOME[0],
  }
}

/** @returns how often an honest browser was signed out, and how many sessions it used */
async function liveHonestly(sessions: LiveSessions, lifetimes: Lifetimes, hours: number, seed: number) {
  const random = seeded(seed)
  const clock = createSimulation(START)
  const end = START + hours * HOUR_MS
  const met = { wronged: 0, sessions: 0, uses: 0, renewals: 0 }
  while (clock.now < end) {
    const habits = somebody(random, inMs(lifetimes))
    const browser = createBrowser(
      await startSession(sessions, clock.now),
      1,
      { sessions, clock, habits },
      () => met.uses++,
    )
    browser.start()
    await clock.run(clock.now + (0.2 + 4 * random()) * HOUR_MS)
    met.sessions++
    met.renewals += browser.jar() - 1
    if (browser.fate === 'fork' || browser.fate === 'revoked') met.wronged++
  }
  return met
}

interface Theft {
  strategy: Strategy
  everyMs: number
  sameNetwork: boolean
}

/**
 * A theft at some moment of a session's life, beside an owner who goes on clicking.
 * @returns how long the session lived on, until when it had to be found, and how far the thief came
 */
async function steal(sessions: LiveSessions, lifetimes: Lifetimes, theft: Theft, random: () => number, begin: number) {
  const { renewMs, graceMs } = inMs(lifetimes)
  const clock = createSimulation(begin)
  const sid = await startSession(sessions, begin)
  const habits: Habits = {
    random,
    loss: 0,
    retry: 0,
    patience: graceMs,
    requests: () => 1,
    network: () => HOME[0],
    pause: () => theft.everyMs,
    roundTrip: () => 5 + 200 * random(),
  }
  const renewedAt: number[] = []
  let newest = 1
  let endedAt: number | undefined
  const seen: LiveSessions = {
    ...sessions,
    async present(use, now) {
      const presented = await sessions.present(use, now)
      if (presented.kind === 'fork') endedAt = now
      return presented
    },
    async renew(use, now) {
      const renewal = await sessions.renew(use, now)
      if (renewal.kind === 'fork') endedAt = now
      return renewal
    },
  }
  const owner = createBrowser(sid, 1, { sessions: seen, clock, habits }, (gen) => {
    if (gen > newest && thief) renewedAt.push(clock.now)
    newest = Math.max(newest, gen)
  })
  let thief: Thief | undefined
  clock.after(renewMs * 1.5 * random(), async () => {
    const means = {
      network: theft.sameNetwork ? HOME[0] : HOME[1],
      step: () => 200 + 5_000 * random(),
      patienceMs: 2 * renewMs * random(),
    }
    newest = owner.jar()
    thief = createThief(sid, newest, { ...means, strategy: theft.strategy, random, sessions: seen, clock })
    await thief.act()
  })
  owner.start()
  await clock.run(begin + 6 * renewMs + 10 * theft.everyMs)
  return { endedAt, renewedAt, adoptedAt: thief?.adoptedAt, depth: thief?.depth ?? 0, tookMs: clock.now - begin }
}

/** @returns what was met in that many hours of thefts, with the strategy of each theft that was missed */
async function liveWithThieves(sessions: LiveSessions, lifetimes: Lifetimes, hours: number, seed: number) {
  const { renewMs, graceMs } = inMs(lifetimes)
  const random = seeded(seed)
  const pick = <T>(of: readonly [T, ...T[]]): T => of[Math.floor(random() * of.length)] ?? of[0]
  const missed: unknown[] = []
  let [now, thefts] = [START, 0]
  while (now < START + hours * HOUR_MS) {
    const theft = { strategy: pick(STRATEGIES), everyMs: pick(CLICKS_MS), sameNetwork: random() < 0.5 }
    const found = await steal(sessions, lifetimes, theft, random, now)
    now += found.tookMs
    thefts++
    const { endedAt = Number.POSITIVE_INFINITY, renewedAt, adoptedAt, depth } = found
    // From the instant that the thief uses a token of his own, the owner has at most one unused successor left.
    const late = adoptedAt !== undefined && endedAt - adoptedAt > 2 * (graceMs + theft.everyMs) + 6_000
    const unseen = endedAt > (renewedAt[1] ?? Number.POSITIVE_INFINITY) || endedAt === Number.POSITIVE_INFINITY
    const renewedTwice = depth > 1 && theft.everyMs + 2 * graceMs < renewMs
    if (late || unseen || renewedTwice) missed.push({ ...theft, ...found })
  }
  return { thefts, missed }
}

const TIMINGS = [
  ['production', PRODUCTION],
  ['the lab', LAB],
] as const

describe('honest people are never signed out', () => {
  test.each(TIMINGS)(
    'in 500 hours with the timing of %s',
    async (_, lifetimes) => {
      const met = await liveHonestly(createMemorySessions(lifetimes), lifetimes, 500, 20260301)
      expect(met.uses).toBeGreaterThan(40_000)
      expect(met.renewals).toBeGreaterThan(1_000)
      expect(met.wronged).toBe(0)
    },
    120_000,
  )

  test('even with the shortest renewal that a configuration may have', async () => {
    const met = await liveHonestly(createMemorySessions(TIGHT), TIGHT, 200, 20260302)
    expect(met.wronged).toBe(0)
  }, 120_000)
})

describe('a thief beside an active owner is found before the second renewal', () => {
  test.each(TIMINGS)(
    'in 500 hours with the timing of %s',
    async (_, lifetimes) => {
      const { thefts, missed } = await liveWithThieves(createMemorySessions(lifetimes), lifetimes, 500, 20260303)
      expect(thefts).toBeGreaterThan(500)
      expect(missed).toEqual([])
    },
    120_000,
  )
})

describe('by the scripts of Redis', () => {
  test('honest people and thieves fare alike', async () => {
    const sessions = createLiveSessions(redis, LAB)
    const honestly = await liveHonestly(sessions, LAB, 1, 1)
    expect(honestly).toEqual(await liveHonestly(createMemorySessions(LAB), LAB, 1, 1))
    expect(honestly.wronged).toBe(0)
    const { thefts, missed } = await liveWithThieves(sessions, LAB, 0.5, 2)
    expect(thefts).toBeGreaterThan(5)
    expect(missed).toEqual([])
  }, 120_000)

  test('every answer is the one of the store in memory, whatever is done in whatever order', async () => {
    const random = seeded(20260304)
    const upTo = (most: number) => Math.floor(random() * (most + 1))
    for (let run = 0; run < 20; run++) {
      const stores = [createLiveSessions(redis, LAB), createMemorySessions(LAB)] as const
      let now = START
      const sid = await startSession(stores[0], now)
      const facts = await stores[0].read(sid, now)
      if (!facts) throw new Error('the session just made is not there')
      const { gen: _, createdAt, lastSeenAt, ...session } = facts
      await stores[1].create(session, now)
      let top = 1
      for (let step = 0; step < 60; step++) {
        now += random() < 0.1 ? upTo(40_000) : upTo(4_000)
        // Mostly late gens: those of long ago are forks, which end a run.
        const use = {
          sid,
          userId: ownerOf(sid),
          gen: random() < 0.02 ? upTo(top + 1) : Math.max(1, top - upTo(2)),
          network: HOME[upTo(2)] ?? HOME[0],
        }
        const answers = await Promise.all(
          stores.map((store) => (step % 3 === 0 ? store.renew(use, now) : store.present(use, now))),
        )
        expect(answers[0]).toEqual(answers[1])
        const [answer] = answers
        if (answer && 'gen' in answer) top = Math.max(top, Number(answer.gen))
      }
    }
  }, 120_000)
})
