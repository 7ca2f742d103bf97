import type { OpenAlert } from '../../functions/sweep/alerts.ts'
import type { Containment, LedgerSession } from '../../shared/stores/port.ts'
import type { Chance } from './scheduler.ts'
import { LIFETIMES, type World } from './world.ts'

const DAY_MS = 86_400_000

/** Which detection stands for an action, and the tag that its alerts carry. */
const KINDS = {
  revoke: { detection: 'session-reuse', contain: 'session', rule: 'Session reuse: one session on two devices' },
  revoke_user: { detection: 'otp-replay', contain: 'user' },
  block_ip: {
    ...{ detection: 'credential-stuffing', contain: 'ip' },
    rule: 'Credential stuffing: many failed sign-ins from one network',
  },
  notify: { detection: 'telemetry-silence', contain: 'none' },
} as const
export type Kind = keyof typeof KINDS

export interface Person {
  userId: string
  network: string
  sessions: SessionStory[]
}

/** A session, and what is known of it from outside. */
export interface SessionStory {
  sid: string
  userId: string
  token: string
  /** epoch ms: when opening it began, and when it was there. */
  openedFrom: number
  openedAt: number
  /** How far the clock was ahead by which it was opened. */
  skewMs: number
  /** Whether its owner ended it, or tried to. */
  loggedOut?: boolean
  /** What it met when it was presented, in order. */
  met: { at: number; kind: string }[]
}

export interface AlertStory {
  kind: Kind
  detection: string
  alertId: string
  cycle: string
  scope: string
  person: Person
  session: SessionStory
  /** epoch ms, as Datadog says */
  date: number
  /** Since when the alert is open, and until when if it recovers. */
  openFrom: number
  recoversAt: number | undefined
  deliveries: Delivery[]
}

export interface Delivery {
  id: string
  /** `Signal`: that of the Cloud SIEM rule, which detects what the monitor does. */
  transition: 'Triggered' | 'Re-Triggered' | 'Recovered' | 'Signal'
  at: number
  /** How often it is sent in all while it is not accepted. */
  tries: number
  /** How often the same delivery comes once more although it was accepted. */
  copies: number
  /** epoch ms of each answer, with its kind; `error` where there was none that says accepted. */
  answers: { at: number; kind: string }[]
}

/** Who there is, and what happens to them, as the seed has it. */
export interface Story {
  people: Person[]
  alerts: AlertStory[]
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const sidOf = (chance: Chance): string => Array.from({ length: 22 }, () => ALPHABET.charAt(chance.below(64))).join('')

export async function createStory(world: World, start: number): Promise<Story> {
  const { chance } = world
  const people: Person[] = []
  for (let n = chance.between(2, 4); n > 0; n--) {
    const userId = chance.uuid()
    const email = `${userId.slice(0, 8)}@example.com`
    await world.stores.users.create({ id: userId, email, passwordHash: 'h' }, new Date(start - 30 * DAY_MS))
    const person: Person = { userId, network: `203.0.113.${people.length + 1}`, sessions: [] }
    for (let count = chance.between(1, 2); count > 0; count--) {
      person.sessions.push(await openSession(world, person, start - chance.below(1_800_000)))
    }
    people.push(person)
  }
  return { people, alerts: chooseAlerts(people, start, chance) }
}

async function openSession({ stores, chance }: World, { userId, network }: Person, at: number): Promise<SessionStory> {
  const sid = sidOf(chance)
  const absoluteExpiry = at + DAY_MS
  const row: LedgerSession = {
    ...{
      userId,
      sid,
      state: 'active',
      deviceHash: 'd'.repeat(32),
      device: 'Firefox on Linux',
      ip: network,
      via: 'web',
    },
    ...{ issuedAt: new Date(at), absoluteExpiry: new Date(absoluteExpiry) },
  }
  await stores.ledger.open(row)
  const { deviceHash, device, ip, via } = row
  const facts = { sid, userId, deviceHash, device, ip, via, absoluteExpiry, epoch: 1 }
  await stores.sessions.create({ ...facts, amr: ['pwd'], acr: 'signed-in', authTime: at }, at)
  return { sid, userId, token: tokenOf({ sid, userId, at }), openedFrom: at, openedAt: at, skewMs: 0, met: [] }
}

/** What the functions' issuer signs, unsigned. */
export const tokenOf = ({ sid, userId, at }: { sid: string; userId: string; at: number }): string =>
  JSON.stringify({
    ...{ sub: userId, sid, gen: 1, aud: 'web', amr: ['pwd'], acr: 'signed-in' },
    ...{ auth_time: Math.floor(at / 1000), exp: Math.floor(at / 1000) + LIFETIMES.idleSeconds },
  })

function chooseAlerts(people: readonly Person[], start: number, chance: Chance): AlertStory[] {
  // Everybody but the last one may be a victim: there is always somebody whom nothing may happen to.
  const targets = people.slice(0, -1)
  const alerts = Array.from({ length: chance.between(1, 4) }, (_, n): AlertStory => {
    const person = chance.pick(targets)
    const kind = chance.pick(['revoke', 'revoke', 'revoke_user', 'revoke_user', 'block_ip', 'notify'] as const)
    const session = chance.pick(person.sessions)
    const openFrom = start + chance.below(15_000)
    // Most alerts are new; some have waited for long, and some are too old to be acted on.
    const ageMs = chance.pick([0, 0, 0, 0, 0, 0, 14 * 60_000, 16 * 60_000])
    const recovers = chance.happens(0.2)
    const alert = {
      ...{ kind, person, session, openFrom, date: openFrom - ageMs },
      ...{ alertId: String(1000 + n), cycle: `c${n}`, detection: KINDS[kind].detection },
      scope: scopeOf(kind, person, session),
      recoversAt: recovers ? openFrom + chance.between(1_000, 90_000) : undefined,
    }
    return { ...alert, deliveries: chooseDeliveries(alert, chance) }
  })
  return alerts
}

function scopeOf(kind: Kind, { userId, network }: Person, { sid }: SessionStory): string {
  if (kind === 'revoke') return `@sid:${sid}`
  if (kind === 'revoke_user') return `@usr.id:${userId}`
  return kind === 'block_ip' ? `@network:${network}` : '*'
}

function chooseDeliveries(
  alert: Pick<AlertStory, 'kind' | 'openFrom' | 'recoversAt' | 'cycle' | 'alertId'>,
  chance: Chance,
) {
  const deliveries: Delivery[] = []
  const send = (transition: Delivery['transition'], at: number) => {
    const lost = chance.happens(0.12)
    const tries = lost ? 0 : chance.pick([1, 3, 6])
    const copies = chance.pick([0, 0, 0, 1, 2])
    deliveries.push({ id: `${alert.alertId}-${deliveries.length}`, transition, at, tries, copies, answers: [] })
  }
  // Both may come at the same instant, or either first.
  const isDoubled = 'rule' in KINDS[alert.kind] && chance.happens(0.5)
  if (isDoubled) send('Signal', alert.openFrom + chance.pick([0, 0, 1, 3, 40, 900, -2, -60, -1500, 25_000, 90_000]))
  send('Triggered', alert.openFrom)
  if (chance.happens(0.15)) send('Re-Triggered', alert.openFrom + chance.between(500, 60_000))
  if (alert.recoversAt !== undefined) send('Recovered', alert.recoversAt)
  return deliveries
}

/** The delivery as the webhook of the monitor or of the rule sends it. */
export function bodyOf(alert: AlertStory, { id, transition, at }: Delivery): string {
  const { alertId, cycle, scope, detection, kind, date, openFrom } = alert
  const about: (typeof KINDS)[Kind] = KINDS[kind]
  if (transition === 'Signal' && 'rule' in about) {
    const [field = '', value] = scope.split(/:(.*)/)
    return JSON.stringify({
      ...{ signal_id: `${cycle}-${alertId}`, rule_id: 'abc-def-ghi', rule_name: about.rule },
      ...{ group_by: { [field]: value }, date: String(Math.round(date + (at - openFrom))) },
    })
  }
  return JSON.stringify({
    ...{ id, alert_id: alertId, cycle_key: cycle, transition, scope },
    tags: `detection:${detection},contain:${KINDS[kind].contain}`,
    date: String(Math.round(date + (at - openFrom))),
  })
}

/** What Datadog's monitor API says: it knows an alert that no webhook brought. */
export const openAlertsOf = (alerts: readonly AlertStory[], now: number): OpenAlert[] =>
  alerts
    .filter(({ openFrom, recoversAt = Number.POSITIVE_INFINITY }) => openFrom <= now && now < recoversAt)
    .map(({ alertId: monitorId, detection, kind, scope, date }) => ({
      ...{ monitorId, scope, triggeredAt: Math.floor(date / 1000) * 1000 },
      tags: [`detection:${detection}`, `contain:${KINDS[kind].contain}`],
    }))

export const isAbout = (row: Containment, alert: AlertStory): boolean =>
  row.detection === alert.detection && row.scope === alert.scope
