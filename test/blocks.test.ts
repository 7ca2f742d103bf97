import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Evaluator, logOfEvent, type Monitor, type Transition } from 'alertproof'
import { notifierFor, parseWebhook, substitute } from 'alertproof/notify'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Detection, loadDetections } from '../detections/harness.ts'
import { containmentId } from '../functions/contain/alert.ts'
import { sweep } from '../functions/sweep/sweep.ts'
import { FIREFOX, type Functions, PASSWORD, startFunctions } from '../functions/testing/functions.ts'
import { undo } from '../ops/contain/operate.ts'
import { addressFields } from '../shared/client/address.ts'
import { BLOCK_MS, policyFor } from '../shared/containment/policy.ts'
import type { Containment } from '../shared/stores/port.ts'

/** Monitors, webhook, functions and sweeper over hours, by one clock that only the test moves. */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const CANARY = 'planted.line@example.test'
const detections = await loadDetections('detections')
const blocking = detections.filter(({ monitor }) => policyFor(monitor.slug)?.action === 'block_ip')
const webhook = parseWebhook(await readFile('detections/webhook.json', 'utf8'), 'webhook.json')

let clock = Math.ceil(Date.now() / MINUTE) * MINUTE
let functions: Functions
beforeAll(async () => {
  functions = await startFunctions({
    env: { CANARY_ADDRESSES: CANARY },
    // The stores are shared with other tests, which count what the cap admits.
    stores: { cap: { admit: async () => true } },
    parts: { now: () => clock },
  })
})
afterAll(async () => {
  await functions.close()
})
beforeEach(() => {
  functions.lines.length = 0
})
/** The stores are shared with other tests, whose sessions and containments are not to be swept by this clock. */
const sweepOurs = () => {
  const { sweep: deps } = functions.deps
  const ours = ({ scope }: Containment) => scope.startsWith('@network:2001:db8:b10c:')
  return sweep({
    ...deps,
    leases: { acquire: async () => ({ fence: 1, renew: async () => true, release: async () => {} }) },
    ledger: { ...deps.ledger, async *openPages() {} },
    containments: {
      ...deps.containments,
      async *openPages(now) {
        for await (const page of deps.containments.openPages(now)) yield page.filter(ours)
      },
    },
  })
}
let hosts = 0
/** A network that no other story blocks. */
const freshIp = () => `2001:db8:b10c:${(++hosts).toString(16)}::7`

/** Evaluates each minute, as Datadog does, and delivers what it has to say; the sweeper runs as often. */
class Watch {
  readonly transitions: Transition[] = []
  /** How long the next delivery takes. */
  lateMs = 0
  readonly #evaluator: Evaluator
  readonly #notifiers: Map<Monitor, ReturnType<typeof notifierFor>>

  constructor(monitors: readonly Monitor[]) {
    this.#evaluator = new Evaluator(monitors, { cadenceSeconds: 60 })
    this.#notifiers = new Map(
      monitors.map((monitor) => [monitor, notifierFor(monitor, { variables: {}, origin: 'http://127.0.0.1' })]),
    )
  }

  async log(...events: object[]): Promise<void> {
    const timestamp = new Date(clock).toISOString()
    for (const event of events) await this.#deliver(this.#evaluator.push(logOfEvent({ ...event, timestamp })))
  }

  /** Goes to an instant, evaluation by evaluation. */
  async until(at: number): Promise<void> {
    while (Math.floor(clock / MINUTE) < Math.floor(at / MINUTE)) {
      clock = (Math.floor(clock / MINUTE) + 1) * MINUTE
      await this.#deliver(this.#evaluator.advance(clock))
      await sweepOurs()
    }
    clock = Math.max(clock, at)
  }

  async #deliver(transitions: readonly Transition[]): Promise<void> {
    for (const transition of transitions) {
      const { values } = this.#notifiers.get(transition.monitor)?.(transition) ?? {}
      if (!values) throw new Error('a monitor that was never loaded')
      const raw = substitute(webhook.payload, values)
      const headers = { 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET }
      clock += this.lateMs
      this.lateMs = 0
      await functions.call('contain', { raw, headers })
      this.transitions.push(transition)
    }
  }
}

const words = ({ transitions }: Watch) => transitions.map(({ monitor, transition }) => `${monitor.slug} ${transition}`)
const blockOf = (network: string) => functions.deps.stores.blocks.blockedBy(network, clock)
const signIn = (email: string, ip: string) =>
  functions.call('login', { ip, userAgent: FIREFOX, body: { email, password: PASSWORD } })

/** Enough of what counts, from one network. */
const volley = ({ monitor, proof }: Detection, ip: string): object[] =>
  Array.from({ length: Math.floor(monitor.parsed.threshold) + 1 }, (_, i) => ({
    ...proof.counts(i, 0, 0),
    ...addressFields(ip),
    request_id: randomUUID(),
  }))

describe.each(blocking)('a block by $monitor.slug', (detection) => {
  it('has no gap while the alert lasts, and runs out after it', async () => {
    const ip = freshIp()
    const { network } = addressFields(ip)
    const { email } = await functions.signIn()
    const watch = new Watch([detection.monitor])
    const began = clock
    await watch.log(...volley(detection, ip))
    await watch.until(began + MINUTE)
    expect(words(watch)).toEqual([`${detection.monitor.slug} Triggered`])
    const gaps: number[] = []
    while (clock < began + 61 * MINUTE) {
      if (!(await blockOf(network))) gaps.push((clock - began) / SECOND)
      if (clock % MINUTE === 0) await watch.log(...volley(detection, ip))
      await watch.until(clock + 15 * SECOND)
    }
    expect(gaps).toEqual([])
    const found = words(watch)
    expect(found).toEqual([found[0], ...Array(6).fill(`${detection.monitor.slug} Re-Triggered`)])
    functions.lines.length = 0
    expect((await signIn(email, ip)).status).toBe(401)
    expect(functions.events()).toMatchObject([{ evt: 'login', outcome: 'fail', reason: 'blocked', network }])

    const { windowMs } = detection.monitor.parsed
    await watch.until(clock + windowMs + MINUTE)
    expect(words(watch).at(-1)).toBe(`${detection.monitor.slug} Recovered`)
    await watch.until(clock + BLOCK_MS)
    expect(await blockOf(network)).toBeUndefined()
    expect((await signIn(email, ip)).status).toBe(200)
    // An hour in steps of 15 s, each over real stores.
  }, 120_000)
})

describe('a reminder', () => {
  const [detection] = blocking as [Detection]
  /** @param lateMs how long the alert's delivery takes */
  const alerted = async (lateMs = 0) => {
    const { network, ip } = addressFields(freshIp())
    const watch = new Watch([detection.monitor])
    watch.lateMs = lateMs
    await watch.log(...volley(detection, ip))
    await watch.until(clock + MINUTE)
    const [transition] = watch.transitions
    if (!transition) throw new Error('no alert')
    const { values } = notifierFor(detection.monitor, { variables: {}, origin: 'http://127.0.0.1' })(transition)
    const sent = JSON.parse(substitute(webhook.payload, values)) as { cycle_key: string; scope: string }
    const id = containmentId(detection.monitor.slug, sent.cycle_key, sent.scope)
    const row = () => functions.deps.stores.containments.find(detection.monitor.slug, id)
    const remind = async (transition = 'Re-Triggered', cycle_key = sent.cycle_key) => {
      const body = { ...sent, id: randomUUID(), date: String(clock), transition, cycle_key }
      const headers = { 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET }
      return (await functions.call('contain', { body, headers })).json
    }
    return { network, row, remind }
  }

  it('renews a block that had run out, and whose row the sweeper had closed', async () => {
    const { network, row, remind } = await alerted()
    clock += BLOCK_MS
    await sweepOurs()
    expect(await row()).toMatchObject({ state: 'closed', reason: 'expired' })
    expect(await blockOf(network)).toBeUndefined()
    expect(await remind()).toMatchObject({ state: 'done', action: 'block_ip' })
    expect(await blockOf(network)).toMatchObject({ until: clock + BLOCK_MS })
    expect(await row()).toMatchObject({ state: 'done', expiresAt: new Date(clock + BLOCK_MS) })
    expect(await row()).not.toHaveProperty('reason')
    expect(functions.events().filter(({ evt }) => evt === 'contain')).toHaveLength(1)
  })

  it('does not renew the block if it arrives after a recovery, before or after the block ended', async () => {
    const { network, row, remind } = await alerted()
    const until = (await blockOf(network))?.until
    clock += MINUTE
    expect(await remind('Recovered')).toMatchObject({ state: 'closed' })
    expect(await remind()).toEqual({ ignored: 'duplicate' })
    expect((await blockOf(network))?.until).toBe(until)
    clock += BLOCK_MS
    await sweepOurs()
    expect(await remind()).toEqual({ ignored: 'duplicate' })
    expect(await row()).toMatchObject({ state: 'closed', reason: 'recovered' })
    expect(await blockOf(network)).toBeUndefined()
  })

  it('makes the block whose own alert came too late to be acted on', async () => {
    const { network, row, remind } = await alerted(16 * MINUTE)
    expect(await row()).toMatchObject({ state: 'held', reason: 'stale' })
    expect(await blockOf(network)).toBeUndefined()
    expect(await remind('Triggered')).toEqual({ ignored: 'duplicate' })
    expect(await remind()).toMatchObject({ state: 'done', action: 'block_ip' })
    expect(await blockOf(network)).toBeDefined()
  })

  it('makes the block if the first alert was lost', async () => {
    const { network, remind } = await alerted()
    clock += BLOCK_MS
    expect(await blockOf(network)).toBeUndefined()
    expect(await remind('Re-Triggered', randomUUID())).toMatchObject({ state: 'done', action: 'block_ip' })
    expect(await blockOf(network)).toBeDefined()
  })

  it('does not renew a block that ended, if it arrives after the recovery', async () => {
    const { network, remind } = await alerted()
    clock += BLOCK_MS
    await sweepOurs()
    await remind('Recovered')
    expect(await remind()).toEqual({ ignored: 'duplicate' })
    expect(await blockOf(network)).toBeUndefined()
  })

  it('does not renew a block that an operator undid, also during the call', async () => {
    const { network, row, remind } = await alerted()
    const taken = await row()
    if (!taken) throw new Error('no row')
    clock += MINUTE
    const { blocks } = functions.deps.stores
    const block = blocks.block
    blocks.block = async (...entry) => {
      await block(...entry)
      await undo(taken, randomUUID(), functions.deps.contain)
    }
    try {
      await remind()
    } finally {
      blocks.block = block
    }
    expect(await blockOf(network)).toBeUndefined()
    expect(await row()).toMatchObject({ state: 'undone' })
    expect(await remind()).toEqual({ ignored: 'duplicate' })
    expect(await blockOf(network)).toBeUndefined()
  })
})

describe('a blocked network that does not stop', () => {
  it('keeps no alert open while blocked, and is blocked again if it continues afterwards', async () => {
    const ip = freshIp()
    const { network } = addressFields(ip)
    const watch = new Watch(
      detections.filter(({ monitor }) => monitor.parsed.by.length > 0).map(({ monitor }) => monitor),
    )
    const request = async (body: unknown) => {
      functions.lines.length = 0
      await functions.call('login', { ip, userAgent: FIREFOX, body })
      await watch.log(...functions.events())
    }
    const stuff = async () => {
      for (let n = 0; n < 11; n++) await request({ email: `${randomUUID()}@example.com`, password: randomUUID() })
      await watch.until(clock + MINUTE)
    }
    await stuff()
    expect(words(watch)).toEqual(['credential-stuffing Triggered'])
    const blockedUntil = (await blockOf(network))?.until ?? 0
    const password = randomUUID()
    const tries = [
      { email: 7 },
      { email: CANARY, password: randomUUID() },
      { email: `${randomUUID()}@example.com`, password },
      { email: 'no address at all', password },
    ]
    for (let n = 0; clock + 100 * SECOND < blockedUntil; n++) {
      await request(tries[n % tries.length])
      await watch.until(clock + 100 * SECOND)
    }
    expect(words(watch)).toEqual(['credential-stuffing Triggered', 'credential-stuffing Recovered'])

    await watch.until(blockedUntil)
    expect(await blockOf(network)).toBeUndefined()
    await stuff()
    expect(words(watch).slice(2)).toEqual(['credential-stuffing Triggered'])
    expect(await blockOf(network)).toBeDefined()
  })
})
