import { randomUUID } from 'node:crypto'
import type { ContainDeps, ContainOutcome } from '../../functions/contain/contain.ts'
import { createMemoryStores } from '../../functions/stores/memory-stores.ts'
import { createContainmentLedger } from '../../functions/stores/tables/containment-ledger.ts'
import { createDeviceTokens } from '../../functions/stores/tables/device-tokens.ts'
import { createLastPlaces } from '../../functions/stores/tables/last-places.ts'
import { AlertsUnavailable, type OpenAlert, type OpenAlerts } from '../../functions/sweep/alerts.ts'
import type { SweepDeps } from '../../functions/sweep/sweep.ts'
import { blockable } from '../../shared/containment/policy.ts'
import { REVOKE_OP, RevokeCall } from '../../shared/containment/revoke-call.ts'
import type { NewEvent } from '../../shared/event.ts'
import { Secret } from '../../shared/secret.ts'
import type { EndDeps } from '../../shared/session/end.ts'
import type { IssueDeps } from '../../shared/session/issue.ts'
import type { Lifetimes } from '../../shared/session/policy.ts'
import type { PresentDeps } from '../../shared/session/present.ts'
import { Sightings } from '../../shared/session/sightings.ts'
import type { Claims } from '../../shared/session/token.ts'
import { SIGNATURE_HEADER } from '../../shared/signature.ts'
import { type ReadingDeps, readSigned } from '../../shared/signed-call.ts'
import type { Perform } from '../../shared/stores/memory/tables.ts'
import type { ContainmentLedger, LiveSessions, ReplayCache, Users } from '../../shared/stores/port.ts'
import { createSessionLedger } from '../../shared/stores/tables/session-ledger.ts'
import { unchecked } from '../../shared/unchecked.ts'
import { revoke } from '../../web/contain/revoke.ts'
import { Calls, reached, StoreFault, type Trace } from './calls.ts'
import type { Faults, Target } from './faults.ts'
import { type Chance, Process, type Scheduler } from './scheduler.ts'

export const LIFETIMES: Lifetimes = { idleSeconds: 3600, renewSeconds: 300, graceSeconds: 30 }
const ABSOLUTE_SECONDS = 86_400
const mayBlock = blockable([])
const KEYS = ['k'.repeat(32)]
const DEVICE_KEYS: [Secret, ...Secret[]] = [new Secret('d'.repeat(32))]

/** What a process of functions is built with: for the handler, the sweeper and sign-ins. */
export type FunctionsDeps = ContainDeps &
  SweepDeps &
  IssueDeps & { users: Users; sessions: LiveSessions; replays: ReplayCache }
export type WebDeps = PresentDeps &
  EndDeps &
  Parameters<typeof revoke>[2] & { sessions: LiveSessions; calls: ReadingDeps }

export type Emitted = NewEvent & { by: string; at: number }

/** Replaces what a process uses by something with a known fault. */
export interface Bug {
  functions?(deps: FunctionsDeps, process: Process): FunctionsDeps
  web?(deps: WebDeps, process: Process): WebDeps
  /** @param next the real handling of a delivery */
  deliver?(id: string, next: () => Promise<ContainOutcome>, deps: FunctionsDeps): Promise<ContainOutcome>
  /** How the tables' clients of a process make their operations. */
  tables?(perform: Perform): Perform
}

export interface WorldOptions {
  scheduler: Scheduler
  faults: Faults
  capLimit: number
  /** Which alerts are open, where Datadog may be asked. */
  openAlerts?: (() => OpenAlert[]) | undefined
  bug?: Bug | undefined
  trace?: Trace | undefined
}

/** The stores, and the processes that share them. */
export class World {
  readonly scheduler: Scheduler
  readonly faults: Faults
  readonly calls: Calls
  readonly events: Emitted[] = []
  /** By id and time of a row: when it really was, in epoch ms. */
  readonly claimedAt = new Map<string, number>()
  readonly capLimit: number
  readonly openAlerts: (() => OpenAlert[]) | undefined
  readonly stores: ReturnType<typeof createMemoryStores>
  readonly web: Host<WebDeps>
  readonly functions: readonly Host<FunctionsDeps>[]
  readonly sweepers: readonly Host<FunctionsDeps>[]
  readonly bug: Bug

  constructor({ scheduler, faults, capLimit, openAlerts, bug = {}, trace }: WorldOptions) {
    this.scheduler = scheduler
    this.faults = faults
    this.capLimit = capLimit
    this.openAlerts = openAlerts
    this.calls = new Calls(scheduler, faults, trace)
    this.bug = bug
    const now = () => scheduler.now
    this.stores = createMemoryStores({ now, lifetimes: LIFETIMES })
    this.web = new Host('web', this, (process) => this.#webOf(process))
    this.functions = [1, 2].map((n) => new Host(`functions-${n}`, this, (process) => this.#functionsOf(process)))
    this.sweepers = [1, 2].map((n) => new Host(`sweeper-${n}`, this, (process) => this.#functionsOf(process)))
  }

  get hosts(): readonly Host<unknown>[] {
    return [this.web, ...this.functions, ...this.sweepers]
  }

  get chance(): Chance {
    return this.scheduler.chance
  }

  /** The stores as one process reaches them. */
  #portsOf(process: Process) {
    const { stores, calls } = this
    const over = <Port extends object>(port: Port, target: Target, name: string): Port =>
      reached(port, (operation, run) => calls.call(process, target, `${name}.${operation}`, run))
    const perform: Perform = (operation, run) => calls.call(process, 'tables', operation, run)
    const tables = stores.tables.through(this.bug.tables?.(perform) ?? perform)
    return {
      users: over(stores.users, 'postgres', 'users'),
      registrations: over(stores.registrations, 'postgres', 'registrations'),
      sessions: over(stores.sessions, 'redis', 'sessions'),
      blocks: over(stores.blocks, 'redis', 'blocks'),
      cap: over(stores.cap, 'redis', 'cap'),
      leases: over(stores.leases, 'redis', 'leases'),
      replays: over(stores.replays, 'redis', 'replays'),
      recentSignIns: over(stores.recentSignIns, 'redis', 'recentSignIns'),
      ledger: createSessionLedger(tables),
      containments: this.#noting(createContainmentLedger(tables)),
      deviceTokens: createDeviceTokens(tables),
      places: createLastPlaces(tables),
    }
  }

  /** Notes by the true clock when a row was made, whatever it says itself. */
  #noting(containments: ContainmentLedger): ContainmentLedger {
    return {
      ...containments,
      claim: (row) => {
        const key = `${row.id} ${row.createdAt.getTime()}`
        // A claim that is made again is of the same instant.
        if (!this.claimedAt.has(key)) this.claimedAt.set(key, this.scheduler.now)
        return containments.claim(row)
      },
    }
  }

  #commonOf(process: Process) {
    return {
      now: () => this.scheduler.now + process.skewMs,
      emit: (event: NewEvent) => {
        this.calls.trace(`${process.name} emits ${describe(event)}`)
        this.events.push({ ...event, by: process.name, at: this.scheduler.now })
      },
      warn: (message: string) => this.calls.trace(`${process.name} warns: ${message}`),
      error: (error: unknown, message: string) =>
        this.calls.trace(`${process.name} error: ${message}: ${String(error)}`),
      deviceKeys: DEVICE_KEYS,
      lab: false,
    }
  }

  #functionsOf(process: Process): FunctionsDeps {
    const deps: FunctionsDeps = {
      ...this.#portsOf(process),
      ...this.#commonOf(process),
      ...LIFETIMES,
      absoluteSeconds: ABSOLUTE_SECONDS,
      webOrigin: 'https://web.example',
      keys: KEYS,
      capLimit: this.capLimit,
      capSourceShare: this.capLimit,
      mayBlock,
      observes: () => false,
      retentionMs: 90 * 86_400_000,
      locate: () => undefined,
      issueToken: async (claims) => JSON.stringify(claims),
      fetch: (_, init) => this.#callWeb(process, init ?? {}),
      openAlerts: this.#alertsFor(process),
    }
    return this.bug.functions?.(deps, process) ?? deps
  }

  #webOf(process: Process): WebDeps {
    const { sessions, ledger, replays } = this.#portsOf(process)
    const common = this.#commonOf(process)
    const deps: WebDeps = {
      ...common,
      ...{ sessions, ledger },
      log: common,
      calls: { keys: KEYS, replays, now: common.now },
      verifyToken: async (token) => ({ kind: 'verified', claims: unchecked<Claims>(JSON.parse(token)) }),
      sightings: new Sightings(),
      binding: 'observe',
    }
    return this.bug.web?.(deps, process) ?? deps
  }

  /** Datadog's monitor API, as a process reaches it. */
  #alertsFor(process: Process): OpenAlerts | undefined {
    const { openAlerts, calls } = this
    if (!openAlerts) return undefined
    const ask = () => calls.call(process, 'datadog', 'monitors', openAlerts)
    return {
      async *pages() {
        yield await ask().catch((error: unknown) => {
          throw new AlertsUnavailable(String(error))
        })
      },
    }
  }

  /** The signed call from functions to web, over a network that may lose either half of it. */
  #callWeb(caller: Process, { signal, body, headers }: RequestInit): Promise<Response> {
    const { scheduler, web, calls } = this
    const fate = this.faults.fateOf('web', scheduler.now)
    if (this.faults.crashAt(scheduler.now)) caller.kill()
    calls.trace(`${caller.name} calls web: ${fate.kind}`)
    return new Promise((resolve, reject) => {
      const settle = (ms: number, run: () => void) => scheduler.after(ms, run, caller)
      signal?.addEventListener('abort', () => reject(signal.reason))
      if (fate.kind === 'refused') return void settle(fate.there, () => reject(new StoreFault('web refused')))
      const { there } = fate
      if (there === undefined) return
      scheduler.after(there, () => {
        const { process, deps } = web
        if (!process.isAlive) return settle(1, () => reject(new StoreFault('web is down')))
        if (fate.kind !== 'silent') process.whenDead(() => settle(1, () => reject(new StoreFault('web died'))))
        scheduler.after(
          0,
          () => {
            const answer = (status: number, json: unknown) => {
              if (fate.kind === 'silent') return
              if (fate.kind === 'cut') return void settle(fate.back, () => reject(new StoreFault('web was cut off')))
              if (fate.kind === 'answered') settle(fate.back, () => resolve(responseOf(status, json)))
            }
            revokeOverHttp(String(body), new Headers(headers).get(SIGNATURE_HEADER) ?? undefined, deps).then(
              ({ status, json }) => answer(status, json),
              (error: unknown) => {
                deps.log.error(error, 'a store failed')
                answer(503, {})
              },
            )
          },
          process,
        )
      })
    })
  }
}

/** One host: its process, and whichever comes after it. */
export class Host<Deps> {
  readonly name: string
  process: Process
  deps: Deps
  /** How far the clock of the machine is ahead. */
  skewMs = 0
  readonly #build: (process: Process) => Deps
  readonly #world: World

  constructor(name: string, world: World, build: (process: Process) => Deps) {
    this.name = name
    this.#world = world
    this.#build = build
    this.process = new Process(name)
    this.deps = build(this.process)
    this.#watch()
  }

  setClock(skewMs: number): void {
    this.skewMs = skewMs
    this.process.skewMs = skewMs
  }

  #watch(): void {
    const { scheduler, calls } = this.#world
    this.process.whenDead(() => {
      const downMs = scheduler.chance.pick([50, 500, 5_000, 20_000])
      calls.trace(`${this.name} dies`)
      scheduler.after(downMs, () => {
        calls.trace(`${this.name} starts`)
        this.process = new Process(this.name)
        this.process.skewMs = this.skewMs
        this.deps = this.#build(this.process)
        this.#watch()
      })
    })
  }
}

/** What web's route does with the bytes of a call, without Express. */
async function revokeOverHttp(body: string, signature: string | undefined, deps: WebDeps) {
  const request = { signature, contentType: 'application/json', body: Buffer.from(body) }
  const reading = await readSigned(request, REVOKE_OP, RevokeCall, deps.calls)
  if (reading.kind === 'refused') return { status: 401, json: {} }
  const result = await revoke(reading.call, randomUUID, deps)
  return { status: 200, json: { sid: reading.call.sid, result } }
}

/** What of an answer the caller looks at; the real class reads its body in steps that are not of the schedule. */
const responseOf = (status: number, json: unknown): Response =>
  unchecked({ status, ok: status < 300, json: async () => json })

function describe(event: NewEvent): string {
  const { evt, outcome, reason, containment_id, request_id } = unchecked<Record<string, unknown>>(event)
  return [evt, outcome, reason, containment_id, request_id].filter(Boolean).join(' ')
}
