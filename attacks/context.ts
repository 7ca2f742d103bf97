import { setTimeout as delay } from 'node:timers/promises'
import type { Addresses } from './addresses.ts'
import type { AttackContext, Context, Group, Insider, Target } from './attack.ts'
import { createFunctionsClient } from './clients/functions-client.ts'
import { createWebClient } from './clients/web-client.ts'
import { createCounter } from './clients/wire.ts'
import { createRandom } from './random.ts'

export interface ContextOptions {
  readonly target: Target
  /** `[a-z0-9-]{1,36}`, of no other run. */
  readonly runId: string
  readonly seed: number
  readonly addresses: Addresses
  readonly tell: (who: string, what: string) => void
  readonly insider?: Insider | undefined
  readonly signal: AbortSignal
}

/** How the alarm is heard of, and how long an attacker waits for it. */
export interface Alarm {
  /** Called at the crossing; settles when the alarm is raised, or when it will not be heard of (any more). */
  heard(group: Group, at: number, which: string): Promise<'raised' | 'unheard'>
  /** Between two attempts before it was raised. */
  readonly quietPauseMs: number
  /** From the crossing on. */
  readonly patienceMs: number
}

/** No attack and no twin needs as many. */
const MOST_REQUESTS = 2_000
/** Between two attempts after the alarm: the containment is measured by them. */
const ALARMED_PAUSE_MS = 20
const ALARMED_PATIENCE_MS = 15_000

const CLIENTS = { web: createWebClient, functions: createFunctionsClient }

export function createContext({ target, runId, seed, addresses, tell, insider, signal }: ContextOptions): Context {
  const counter = createCounter(MOST_REQUESTS)
  const line = { baseUrl: target.baseUrl, runId, signal, count: counter.count }
  return {
    ...{ runId, addresses, tell, insider, signal },
    random: createRandom(seed),
    requests: counter.requests,
    client: (from) => CLIENTS[target.kind](from, line),
  }
}

export function createAttackContext(context: Context, alarm: Alarm): AttackContext {
  const raised = new AbortController()
  let patientUntil = Number.POSITIVE_INFINITY
  return {
    ...context,
    crossing(group, which, at = Date.now()) {
      patientUntil = Date.now() + alarm.patienceMs
      const alerted = alarm.heard(group, at, which).then((heard) => {
        if (heard === 'unheard') return
        patientUntil = Math.min(patientUntil, Date.now() + ALARMED_PATIENCE_MS)
        raised.abort()
      })
      return { at, alerted }
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
