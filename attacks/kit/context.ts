import { setTimeout as delay } from 'node:timers/promises'
import { type AccessCheck, checkAccess, type Questions } from './access-check.ts'
import { AccessRecord, type Source } from './access-record.ts'
import type { Addresses } from './addresses.ts'
import {
  type AttackContext,
  type Context,
  type Group,
  type Insider,
  type Mine,
  TARGETS,
  type Target,
  type TargetKind,
} from './attack.ts'
import { type Account, peopleCast } from './cast.ts'
import { withAccessRecord } from './clients/access-recording.ts'
import { createFunctionsClient } from './clients/functions-client.ts'
import type { Mailbox } from './clients/mailbox.ts'
import { ReadyAccounts, withReadyAccounts } from './clients/ready-accounts.ts'
import { createWebClient } from './clients/web-client.ts'
import { createCounter, type Line } from './clients/wire.ts'
import { createRandom } from './random.ts'

export interface ContextOptions {
  readonly target: Target
  /** Known origins of both hosts: what one host issued is presented to the other too. */
  readonly hosts?: Readonly<Partial<Record<TargetKind, string>>> | undefined
  /** `[a-z0-9-]{1,36}`, unique. */
  readonly runId: string
  readonly seed: number
  readonly addresses: Addresses
  /** @param ms after the origin of the narration; undefined before it */
  readonly tell: (who: string, what: string, ms?: number) => void
  readonly mine?: Mine | undefined
  readonly insider?: Insider | undefined
  readonly mailbox?: Mailbox | undefined
  /** Existing accounts of the target; required without a mailbox. */
  readonly accounts?: readonly Account[] | undefined
  /** Awaited before each request. */
  readonly pace?: (() => Promise<void>) | undefined
  readonly signal: AbortSignal
}

/** How an alert is observed, and how long an attacker waits for it. */
export interface Alarm {
  /** Called at the crossing; settles at the alert, or when none can be observed (any more). */
  heard(group: Group, at: number, which: string): Promise<'raised' | 'unheard'>
  /** Called after the alert. @returns the time of the containment @see Crossing.contained */
  contained(): Promise<number | undefined>
  /** Between two attempts before the alert. */
  readonly quietPauseMs: number
  /** Counted from the crossing. */
  readonly patienceMs: number
}

/** A context with the checks at the end of a run. */
export interface RunContext extends Context {
  /** Resolves when every request has been answered. */
  idle(): Promise<void>
  checkAccess(questions: Omit<Questions, 'lines'>): Promise<AccessCheck>
}

/** More than any attack or twin needs. */
const MAX_REQUESTS = 2_000
/** Between two attempts after the alert; the precision of the measured containment. */
const ALARMED_PAUSE_MS = 20
const ALARMED_PATIENCE_MS = 15_000

const NO_DEADLINE = Number.POSITIVE_INFINITY

const CLIENTS = { web: createWebClient, functions: createFunctionsClient }

/** Its narrated times count from this call. */
export function createContext(options: ContextOptions): RunContext {
  const { target, hosts = {}, runId, seed, addresses, tell, mine, insider, mailbox, accounts, pace, signal } = options
  const counter = createCounter(MAX_REQUESTS)
  const access = new AccessRecord()
  const origin = Date.now()
  const lineTo = (baseUrl: string): Line => ({ baseUrl, runId, mailbox, pace, signal, track: counter.track })
  const line = lineTo(target.baseUrl)
  const lines: Partial<Record<TargetKind, Line>> = {}
  for (const kind of TARGETS) {
    const baseUrl = kind === target.kind ? target.baseUrl : hosts[kind]
    if (baseUrl !== undefined) lines[kind] = lineTo(baseUrl)
  }
  const random = createRandom(seed)
  const ready = accounts || !mailbox ? new ReadyAccounts(accounts ?? [], () => peopleCast(random)) : undefined
  const open = (from: Source) => {
    const client = CLIENTS[target.kind](from, line)
    return ready ? withReadyAccounts(client, ready) : client
  }
  return {
    runId,
    addresses,
    mine,
    insider,
    mailbox,
    signal,
    tell: (who, what, at = Date.now()) => tell(who, what, at - origin),
    random,
    requests: counter.requests,
    client: (from) => withAccessRecord(open(from), 'honest', from, access),
    intruder: (from) => withAccessRecord(open(from), 'attacker', from, access),
    carries({ email }, phone) {
      const person = access.people.get(email)
      if (person) person.phone = phone
    },
    idle: counter.idle,
    checkAccess: (questions) => checkAccess(access, { ...questions, lines }),
  }
}

/** Its narrated times count from the crossing; lines before it have none. */
export function createAttackContext(context: Context, tell: ContextOptions['tell'], alarm: Alarm): AttackContext {
  const raised = new AbortController()
  let patientUntil = NO_DEADLINE
  let origin = Number.POSITIVE_INFINITY
  /** Lines held back until the containment's line, so that the narration is in order. */
  let held: { readonly at: number; readonly print: () => void }[] | undefined
  const release = () => {
    for (const { print } of held?.sort((one, other) => one.at - other.at) ?? []) print()
    held = undefined
  }
  return {
    ...context,
    tell(who, what, at = Date.now()) {
      const print = () => (at < origin ? tell(who, what) : tell(who, what, at - origin))
      if (held) held.push({ at, print })
      else print()
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
      // A failure is thrown where these are awaited; this avoids an unhandled rejection until then.
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
