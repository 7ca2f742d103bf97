import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { blockable } from '../../shared/containment/policy.ts'
import { REVOKE_OP } from '../../shared/containment/revoke-call.ts'
import type { NewEvent } from '../../shared/event.ts'
import type { Containment } from '../../shared/stores/port.ts'
import { createSessionLedger } from '../../shared/stores/tables/session-ledger.ts'
import { createMemoryStores } from '../stores/memory-stores.ts'
import { createContainmentLedger } from '../stores/tables/containment-ledger.ts'
import { proceed } from './attempt.ts'
import { type ContainDeps, contain } from './contain.ts'

/**
 * A process that dies at any instruction leaves either nothing or a row that is gone on with. Every call to a store, every
 * event and both halves of the call to web are an instruction here. A process that is dead gets no answer any more: that is
 * all it can be told by from one that waits.
 */

const START = Date.parse('2026-03-01T12:00:00Z')
const LIFETIMES = { idleSeconds: 3600, renewSeconds: 300, graceSeconds: 30 }
const NETWORK = '203.0.113.9'
const NEVER = new Promise<never>(() => undefined)

type Death = 'before' | 'after' | 'fails before' | 'fails after'
const DEATHS: readonly Death[] = ['before', 'after', 'fails before', 'fails after']

/** One process: it dies, or one of its calls fails, at the call of that number. */
class Life {
  calls = 0
  isOver = false
  readonly #at: number
  readonly #how: Death

  constructor(at: number, how: Death) {
    this.#at = at
    this.#how = how
  }

  async call<T>(run: () => T | Promise<T>): Promise<T> {
    if (this.isOver) return NEVER
    const isIt = ++this.calls === this.#at
    if (!isIt) return run()
    if (this.#how === 'fails before') throw new Error('a store failed')
    if (this.#how === 'before') return this.#end()
    await run()
    if (this.#how === 'fails after') throw new Error('a store failed')
    return this.#end()
  }

  #end(): Promise<never> {
    this.isOver = true
    return NEVER
  }
}
const immortal = () => new Life(0, 'before')

const reached = <Port extends object>(port: Port, life: Life): Port =>
  new Proxy(port, {
    get(target, name) {
      const method = Reflect.get(target, name)
      return typeof method === 'function'
        ? (...given: unknown[]) => life.call(() => method.apply(target, given))
        : method
    },
  })

class World {
  now = START
  readonly events: NewEvent[] = []
  readonly userId = randomUUID()
  readonly sid = 'S'.repeat(22)
  readonly laterSid = 'L'.repeat(22)
  readonly #stores = createMemoryStores({ now: () => this.now, lifetimes: LIFETIMES })
  readonly #webAnswers: boolean

  constructor(webAnswers: boolean) {
    this.#webAnswers = webAnswers
  }

  async open(sid: string): Promise<void> {
    const { users, ledger, sessions } = this.#stores
    const [userId, now] = [this.userId, this.now]
    await users.create({ id: userId, email: 'ada@example.com', passwordHash: 'h' }, new Date(START))
    const epoch = (await users.readEpoch(userId)) ?? 1
    const common = { sid, userId, deviceHash: 'd', ip: NETWORK, via: 'web' as const, device: 'firefox' }
    const absoluteExpiry = now + 86_400_000
    const dates = { issuedAt: new Date(now), absoluteExpiry: new Date(absoluteExpiry) }
    await ledger.open({ ...common, ...dates, state: 'active' })
    const session = {
      ...common,
      amr: ['pwd' as const],
      acr: 'signed-in' as const,
      authTime: now,
      absoluteExpiry,
      epoch,
    }
    await sessions.create(session, now)
  }

  deps(life: Life): ContainDeps {
    const stores = this.#stores
    const tables = stores.tables.through((_, run) => life.call(run))
    return {
      users: reached(stores.users, life),
      sessions: reached(stores.sessions, life),
      blocks: reached(stores.blocks, life),
      cap: reached(stores.cap, life),
      recentSignIns: reached(stores.recentSignIns, life),
      deviceTokens: stores.deviceTokens,
      ledger: createSessionLedger(tables),
      containments: createContainmentLedger(tables),
      absoluteSeconds: 86_400,
      capLimit: 25,
      capSourceShare: 5,
      mayBlock: blockable([]),
      observes: () => false,
      webOrigin: 'https://web.example',
      keys: ['k'.repeat(32)],
      fetch: (_, init) => life.call(() => this.#web(JSON.parse(String(init?.body)))),
      now: () => this.now,
      emit: (event) => {
        if (!life.isOver) this.events.push(event)
      },
      warn: () => undefined,
    }
  }

  async #web({ op, sid, containment_id: containmentId }: Record<string, string>): Promise<Response> {
    if (op !== REVOKE_OP || !sid || !containmentId) throw new Error('not a revoke')
    const result = await this.#stores.sessions.revoke(sid, { reason: 'contained', at: this.now, containmentId })
    return this.#webAnswers ? Response.json({ sid, result }) : new Response('', { status: 500 })
  }

  isAlive = async (sid: string) => (await this.#stores.sessions.read(sid, this.now)) !== undefined
  block = () => this.#stores.blocks.blockedBy(NETWORK, this.now)
  rows = (): Promise<Containment[]> => this.#stores.containments.list({})

  async sweep(): Promise<void> {
    const deps = this.deps(immortal())
    for await (const page of this.#stores.containments.openPages(new Date(this.now))) {
      for (const row of page) await proceed(row, randomUUID(), deps)
    }
  }

  contained = () => this.events.filter((event) => event.evt === 'contain')
}

interface Story {
  detection: string
  contain: string
  scope: (world: World) => string
}
const STORIES: Record<string, Story> = {
  'a session': { detection: 'session-reuse', contain: 'session', scope: ({ sid }) => `@sid:${sid}` },
  'a user': { detection: 'otp-replay', contain: 'user', scope: ({ userId }) => `@usr.id:${userId}` },
  'a network': { detection: 'credential-stuffing', contain: 'ip', scope: () => `@network:${NETWORK}` },
  nobody: { detection: 'telemetry-silence', contain: 'none', scope: () => '*' },
}

const bodyOf = ({ detection, contain: tag, scope }: Story, world: World): string =>
  JSON.stringify({
    id: 'delivery-1',
    alert_id: '7',
    cycle_key: 'cycle-1',
    transition: 'Triggered',
    scope: scope(world),
    tags: `detection:${detection},contain:${tag}`,
    date: String(START),
  })
const deliver = (story: Story, world: World, life: Life) =>
  contain(bodyOf(story, world), { requestId: randomUUID(), ip: '203.0.113.1' }, world.deps(life))

/** Until the process has ended, or waits for an answer that will not come. */
async function lives(life: Life, work: Promise<unknown>): Promise<void> {
  let ended = false
  work.then(
    () => (ended = true),
    () => (ended = true),
  )
  while (!ended && !life.isOver) await turn()
  for (let turns = 0; turns < 3; turns++) await turn()
}

async function holds(name: string, world: World, claimed: boolean): Promise<void> {
  const rows = await world.rows()
  expect(rows).toMatchObject([{ state: 'done', result: 'success' }])
  expect(rows[0]).not.toHaveProperty('announce')
  if (name === 'a session' || name === 'a user') expect(await world.isAlive(world.sid)).toBe(false)
  if (name === 'a network') expect(await world.block()).toMatchObject({ until: START + 15 * 60_000 })
  // What the owner opened after the alert lives on, however often it was carried out.
  if (claimed) expect(await world.isAlive(world.laterSid)).toBe(true)
  const said = world.contained()
  expect(said[0]).toMatchObject({ outcome: 'success' })
  // Said twice only where the process died between saying so and noting it: under one request id.
  expect(new Set(said.map((event) => `${event.outcome} ${event.request_id}`)).size).toBe(1)
  expect(said.length).toBeLessThanOrEqual(2)
}

const cases = Object.entries(STORIES).flatMap(([name, story]) =>
  [true, false]
    .filter((webAnswers) => webAnswers || name === 'a session')
    .map((webAnswers) => ({ name, story, webAnswers })),
)

describe.each(cases)('a containment of $name (web answers: $webAnswers)', ({ name, story, webAnswers }) => {
  it.each(['a second delivery', 'the sweeper'] as const)(
    'is finished by %s, whenever the first one dies',
    async (by) => {
      let deaths = 0
      let repeated = 0
      for (const how of DEATHS) {
        for (let at = 1; ; at++) {
          const world = new World(webAnswers)
          await world.open(world.sid)
          world.now += 1_000
          const life = new Life(at, how)
          const first = deliver(story, world, life)
          await lives(life, first)
          if (life.calls < at) break
          deaths++
          const claimed = (await world.rows()).length > 0
          // A claim that was not written is for the sender: the sweeper knows nothing of it.
          if (!claimed && by === 'the sweeper') continue
          world.now += 1_000
          await world.open(world.laterSid)
          world.now += 30_000
          if (by === 'a second delivery') await deliver(story, world, immortal())
          else await world.sweep()
          world.now += 30_000
          await world.sweep()
          await holds(name, world, claimed)
          if (world.contained().length > 1) repeated++
        }
      }
      expect(deaths).toBeGreaterThan(40)
      // Once for each way to lose the answer of one write.
      expect(repeated).toBeLessThanOrEqual(deaths / 4)
    },
  )
})
