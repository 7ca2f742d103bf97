import { randomUUID } from 'node:crypto'
import { inParallel } from '../../attacks/kit/parallel.ts'
import { post } from '../../lab/datadog/post.ts'
import { ENV, SERVICE } from '../../lab/start/environment.ts'
import { networkOf } from '../../shared/client/address.ts'
import type { Person } from './cast.ts'

/** The detections that this suite sets off, by whom they are about. */
export type Trigger = 'session-reuse' | 'session-fork' | 'impossible-travel' | 'otp-replay' | 'credential-stuffing'

/** Where alarms are raised: the stand-in's intake, and the webhook's receiver. */
export interface AlarmPlace {
  readonly lab: {
    readonly datadog: { readonly intakeUrl: string }
    readonly urls: { readonly functions: string }
    readonly secrets: { readonly DD_API_KEY: string; readonly ATO_WEBHOOK_SECRET: string }
  }
}

const DELIVERY_MS = 15_000
const ATTACKER_ADDRESS = '203.0.113.66'

/**
 * Sets off a monitor of the stand-in about each of these people: by the log lines that the attack would have left, sent
 * to its intake. The stand-in evaluates them, alerts, and delivers its webhook as it always does.
 */
export async function raiseAlarm(
  place: AlarmPlace,
  people: readonly Person[],
  trigger: Trigger = 'session-reuse',
): Promise<void> {
  const { datadog, secrets } = place.lab
  const lines = people.flatMap((person) => linesOf(person, trigger))
  const outcome = await post({
    url: datadog.intakeUrl,
    headers: { 'Content-Type': 'application/json', 'DD-API-KEY': secrets.DD_API_KEY },
    body: JSON.stringify(
      lines.map((line) => ({
        ddsource: 'azure',
        service: SERVICE,
        ddtags: `env:${ENV}`,
        hostname: 'functions',
        message: JSON.stringify(line),
      })),
    ),
    timeoutMs: DELIVERY_MS,
  })
  if (outcome.kind !== 'answered' || outcome.status >= 300) {
    throw new Error(`the stand-in's intake did not take the lines: ${JSON.stringify(outcome)}`)
  }
}

function linesOf(person: Person, trigger: Trigger): object[] {
  const about = (ip: string) => ({
    timestamp: new Date().toISOString(),
    level: 'info',
    service: SERVICE,
    env: ENV,
    ip,
    network: networkOf(ip),
    user_agent: person.device.userAgent,
    via: person.home === 'web' ? 'web' : 'api',
    request_id: randomUUID(),
  })
  const session = { evt: 'session', usr: { id: person.userId }, sid: person.sid }
  const { deviceHash } = person
  switch (trigger) {
    case 'session-reuse':
      return [
        { ...about(person.address), ...session, outcome: 'seen', reason: 'accepted', device_hash: deviceHash },
        { ...about(ATTACKER_ADDRESS), ...session, outcome: 'seen', reason: 'accepted', device_hash: randomHash() },
      ]
    case 'session-fork':
      return [{ ...about(ATTACKER_ADDRESS), ...session, outcome: 'fork', device_hash: deviceHash }]
    case 'impossible-travel':
      return [{ ...about(ATTACKER_ADDRESS), ...session, outcome: 'new', device_hash: deviceHash, risk: ['travel'] }]
    case 'otp-replay':
      return [1, 2].map(() => ({
        ...about(ATTACKER_ADDRESS),
        ...{ evt: 'mfa', outcome: 'fail', reason: 'replayed_code', usr: { id: person.userId } },
      }))
    case 'credential-stuffing':
      return Array.from({ length: 11 }, () => ({
        ...about(person.address),
        ...{ evt: 'login', outcome: 'fail', reason: 'wrong_password', usr: { exists: true }, login_hash: randomHash() },
      }))
  }
}

const randomHash = (): string => randomUUID().replaceAll('-', '')

/** One delivery as the stand-in's webhook would make it, for what no monitor can be made to send. */
export interface Delivery {
  readonly id?: string
  readonly detection: Trigger
  readonly scope: string
  readonly cycle: string
  readonly transition: 'Triggered' | 'Re-Triggered' | 'Recovered'
  /** epoch ms */
  readonly date: number
  /** Origin of the Functions host; the stage's own by default. */
  readonly to?: string
}

const CONTAINS: Readonly<{ [trigger in Trigger]: string }> = {
  'session-reuse': 'session',
  'session-fork': 'session',
  'impossible-travel': 'session',
  'otp-replay': 'user',
  'credential-stuffing': 'ip',
}

/** Delivers once. @returns the status; 0 when no whole answer came */
export async function deliver(place: AlarmPlace, delivery: Delivery): Promise<number> {
  const { id = randomUUID(), detection, scope, cycle, transition, date, to = place.lab.urls.functions } = delivery
  const outcome = await post({
    url: `${to}/api/contain`,
    headers: { 'Content-Type': 'application/json', 'X-ATO-Webhook-Secret': place.lab.secrets.ATO_WEBHOOK_SECRET },
    body: JSON.stringify({
      ...{ id, alert_id: '1', cycle_key: cycle, transition, scope },
      tags: `detection:${detection},contain:${CONTAINS[detection]}`,
      date: String(date),
    }),
    timeoutMs: DELIVERY_MS,
  })
  return outcome.kind === 'answered' ? outcome.status : 0
}

/** A delivery about a session, as the webhook would make it now. */
export const aboutSession = (person: Person, cycle: string): Delivery => ({
  detection: 'session-reuse',
  scope: `@sid:${person.sid}`,
  cycle,
  transition: 'Triggered',
  date: Date.now(),
})

/** Deliveries at once, as many as the sender would have under way. */
export const deliverAll = (place: AlarmPlace, deliveries: readonly Delivery[], atOnce = 8): Promise<number[]> =>
  inParallel(deliveries, atOnce, (delivery) => deliver(place, delivery))
