import { setTimeout as delay } from 'node:timers/promises'
import type { Addresses } from './addresses.ts'
import {
  type AttackContext,
  type Context,
  type Group,
  type Insider,
  TARGETS,
  type Target,
  type TargetKind,
} from './attack.ts'
import { type Account, peopleCast } from './cast.ts'
import { accounted } from './clients/accounted.ts'
import { createFunctionsClient } from './clients/functions-client.ts'
import type { Mailbox } from './clients/mailbox.ts'
import { ReadyAccounts, withReadyAccounts } from './clients/ready-accounts.ts'
import { createWebClient } from './clients/web-client.ts'
import { createCounter, type Line } from './clients/wire.ts'
import { Holdings, type Whereabouts } from './holdings.ts'
import { createRandom } from './random.ts'
import { type Questions, type Reckoning, reckon } from './reckoning.ts'

export interface ContextOptions {
  readonly target: Target
  /** Origins of both hosts, as far as they are known: what was got from one is asked at the other too. */
  readonly hosts?: Readonly<Partial<Record<TargetKind, string>>> | undefined
  /** `[a-z0-9-]{1,36}`, of no other run. */
  readonly runId: string
  readonly seed: number
  readonly addresses: Addresses
  /** @param ms after the story's origin; undefined before there is one */
  readonly tell: (who: string, what: string, ms?: number) => void
  readonly insider?: Insider | undefined
  readonly mailbox?: Mailbox | undefined
  /** Of the target, open already: where there is no mailbox, they are needed. */
  readonly accounts?: readonly Account[] | undefined
  readonly signal: AbortSignal
}

/** How the alarm is heard of, and how long an attacker waits for it. */
export interface Alarm {
  /** Called at the crossing; settles when the alarm is raised, or when it will not be heard of (any more). */
  heard(group: Group, at: number, which: string): Promise<'raised' | 'unheard'>
  /** Asked once the alarm was raised: when it was contained, and told so. @see Crossing.contained */
  contained(): Promise<number | undefined>
  /** Between two attempts before it was raised. */
  readonly quietPauseMs: number
  /** From the crossing on. */
  readonly patienceMs: number
}

/** A context with what is asked when all is over. */
export interface RunContext extends Context {
  /** Resolves when every request has been answered. */
  idle(): Promise<void>
  reckon(questions: Omit<Questions, 'lines'>): Promise<Reckoning>
}

/** No attack and no twin needs as many. */
const MOST_REQUESTS = 2_000
/** Between two attempts after the alarm: the containment is measured by them. */
const ALARMED_PAUSE_MS = 20
const ALARMED_PATIENCE_MS = 15_000

const CLIENTS = { web: createWebClient, functions: createFunctionsClient }

/** Times of its story count from here on. */
export function createContext(options: ContextOptions): RunContext {
  const { target, hosts = {}, runId, seed, addresses, tell, insider, mailbox, accounts, signal } = options
  const counter = createCounter(MOST_REQUESTS)
  const holdings = new Holdings()
  const begun = Date.now()
  const lineTo = (baseUrl: string): Line => ({ baseUrl, runId, mailbox, signal, track: counter.track })
  const line = lineTo(target.baseUrl)
  const lines: Partial<Record<TargetKind, Line>> = {}
  for (const kind of TARGETS) {
    const baseUrl = kind === target.kind ? target.baseUrl : hosts[kind]
    if (baseUrl !== undefined) lines[kind] = lineTo(baseUrl)
  }
  const random = createRandom(seed)
  const ready = accounts || !mailbox ? new ReadyAccounts(accounts ?? [], () => peopleCast(random)) : undefined
  const open = (from: Whereabouts) => {
    const client = CLIENTS[target.kind](from, line)
    return ready ? withReadyAccounts(client, ready) : client
  }
  return {
    ...{ runId, addresses, insider, mailbox, signal },
    tell: (who, what, at = Date.now()) => tell(who, what, at - begun),
    random,
    requests: counter.requests,
    client: (from) => accounted(open(from), 'honest', from, holdings),
    intruder: (from) => accounted(open(from), 'attacker', from, holdings),
    carries({ email }, phone) {
      const person = holdings.people.get(email)
      if (person) person.phone = phone
    },
    idle: counter.idle,
    reckon: (questions) => reckon(holdings, { ...questions, lines }),
  }
}

/** Times of its story count from the crossing; what comes before has none. */
export function createAttackContext(context: Context, tell: ContextOptions['tell'], alarm: Alarm): AttackContext {
  const raised = new AbortController()
  let patientUntil = Number.POSITIVE_INFINITY
  let origin = Number.POSITIVE_INFINITY
  /** Lines that wait for the containment's line, so that the story is in the order of events. */
  let held: { readonly at: number; readonly say: () => void }[] | undefined
  const release = () => {
    for (const { say } of held?.sort((one, other) => one.at - other.at) ?? []) say()
    held = undefined
  }
  return {
    ...context,
    tell(who, what, at = Date.now()) {
      const say = () => (at < origin ? tell(who, what) : tell(who, what, at - origin))
      if (held) held.push({ at, say })
      else say()
    },
    crossing(group, which, at = Date.now()) {
      origin = at
      patientUntil = Date.now() + alarm.patienceMs
      const alerted = alarm.heard(group, at, which).then((heard) => {
        if (heard === 'unheard') return
        held ??= []
        patientUntil = Math.min(patientUntil, Date.now() + ALARMED_PATIENCE_MS)
        raised.abort()
      })
      const contained = alerted.then(() => alarm.contained()).finally(release)
      tell('crossing', `${which}: times count from here`, 0)
      // Whoever awaits them is told of a failure; until then it is nobody's.
      for (const pending of [alerted, contained]) pending.catch(() => {})
      return { at, alerted, contained }
    },
    async pause() {
      context.signal.throwIfAborted()
      const { signal } = raised
      if (!signal.aborted) await delay(alarm.quietPauseMs, undefined, { signal }).catch(() => {})
      else await delay(ALARMED_PAUSE_MS)
    },
    patient: () => Date.now() < patientUntil,
  }
}
