import type { IndexedLog } from 'alertproof'
import type { HolderView, SessionView } from './api.ts'
import { type Hub, takeSome } from './hub.ts'
import { cut, textIn, userIn } from './log-text.ts'

const MAX_SESSIONS = 500
const MAX_HOLDERS = 20
const MAX_EMAILS = 2_000
const MAX_USER_AGENT = 512

type Holder = { -readonly [name in keyof HolderView]: HolderView[name] }

interface Session {
  readonly sid: string
  userId: string | undefined
  startedAt: number
  lastAt: number
  ended: { readonly at: number; readonly by: string } | undefined
  /** By device and address. */
  readonly holders: Map<string, Holder>
}

/** What the reason of a refusal says of the end of the session. */
const ENDED_BY: Readonly<Record<string, string>> = { contained: 'contain', forked: 'fork' }

export type CountryOf = (ip: string) => string | undefined
type Attributes = IndexedLog['attributes']

/**
 * The sessions that the events name, with everybody who used them. Uses are events: the hosts report those of one holder about once
 * in a minute, and each refusal.
 */
export class SessionViews {
  readonly #hub: Hub
  readonly #countryOf: CountryOf
  /** The one that was used last comes last. */
  readonly #sessions = new Map<string, Session>()
  readonly #emails = new Map<string, string>()
  readonly #changed = new Set<string>()

  /** @param countryOf the country of an address, as a code */
  constructor(hub: Hub, countryOf: CountryOf = () => undefined) {
    this.#hub = hub
    this.#countryOf = countryOf
    hub.provide('session', () => {
      const { taken, isMore } = takeSome(this.#changed)
      if (isMore) hub.mark('session')
      return taken.flatMap((sid) => this.#sessions.get(sid) ?? []).map((session) => this.#view(session))
    })
  }

  see({ attributes, timestamp }: IndexedLog): void {
    const evt = textIn(attributes, 'evt')
    if (evt === undefined) return
    const [userId, email] = [userIn(attributes), textIn(attributes, 'email')]
    if (userId !== undefined && email !== undefined) this.#know(userId, email)
    const sid = textIn(attributes, 'sid')
    if (evt === 'contain') this.#contain(attributes, timestamp)
    else if (sid !== undefined) this.#use(sid, evt, attributes, timestamp)
  }

  /** The newest first. */
  list(): SessionView[] {
    return [...this.#sessions.values()].sort((a, b) => b.startedAt - a.startedAt).map((session) => this.#view(session))
  }

  hasEnded(sid: string): boolean {
    return this.#sessions.get(sid)?.ended !== undefined
  }

  #know(userId: string, email: string): void {
    this.#emails.delete(userId)
    this.#emails.set(userId, email)
    dropOldest(this.#emails, MAX_EMAILS)
  }

  #use(sid: string, evt: string, attributes: Attributes, at: number): void {
    const session = this.#of(sid, at)
    session.userId ??= userIn(attributes)
    session.startedAt = Math.min(session.startedAt, at)
    session.lastAt = Math.max(session.lastAt, at)
    const [outcome, reason] = [textIn(attributes, 'outcome'), textIn(attributes, 'reason')]
    const isDead = evt === 'session' && (outcome === 'revoked' || outcome === 'expired' || outcome === 'fork')
    this.#addUse(session.holders, attributes, at, isDead || (outcome === 'seen' && reason === 'refused'))
    if (evt !== 'session') return
    if (outcome === 'ended') end(session, at, 'logout')
    else if (outcome === 'fork' || outcome === 'expired') end(session, at, outcome)
    else if (outcome === 'revoked') end(session, at, ENDED_BY[reason ?? ''] ?? reason ?? 'revoked')
  }

  /** A containment of a session or of a whole account ends what is alive. */
  #contain(attributes: Attributes, at: number): void {
    const [outcome, action, sid] = ['outcome', 'action', 'sid'].map((name) => textIn(attributes, name))
    if (outcome !== 'success' && outcome !== 'noop') return
    const userId = userIn(attributes)
    const isHit = (each: Session) =>
      action === 'revoke'
        ? each.sid === sid
        : action === 'revoke_user' && userId !== undefined && each.userId === userId
    for (const session of this.#sessions.values()) {
      if (!isHit(session) || session.ended || session.startedAt > at) continue
      end(session, at, 'contain')
      this.#mark(session.sid)
    }
  }

  #of(sid: string, at: number): Session {
    const known = this.#sessions.get(sid)
    const session = known ?? { sid, userId: undefined, startedAt: at, lastAt: at, ended: undefined, holders: new Map() }
    this.#sessions.delete(sid)
    this.#sessions.set(sid, session)
    const dropped = dropOldest(this.#sessions, MAX_SESSIONS)
    if (dropped !== undefined) this.#changed.delete(dropped)
    this.#mark(sid)
    return session
  }

  #addUse(holders: Session['holders'], attributes: Attributes, at: number, isRefused: boolean): void {
    const [device, ip] = [textIn(attributes, 'device_hash') ?? null, textIn(attributes, 'ip') ?? null]
    if (device === null && ip === null) return
    const key = `${device} ${ip}`
    const known = holders.get(key)
    if (!known && holders.size >= MAX_HOLDERS) return // the first holders are those to compare
    const holder: Holder = known ?? {
      ...{ device, ip, first_at: at, last_at: at, uses: 0, refused: 0, user_agent: null },
      country: (ip !== null && this.#countryOf(ip)) || null,
    }
    const { user_agent: userAgent } = attributes
    if (typeof userAgent === 'string' && userAgent !== '') holder.user_agent = cut(userAgent, MAX_USER_AGENT)
    holder.first_at = Math.min(holder.first_at, at)
    holder.last_at = Math.max(holder.last_at, at)
    holder.uses++
    if (isRefused) holder.refused++
    holders.set(key, holder)
  }

  #mark(sid: string): void {
    if (!this.#hub.reads('session')) return
    this.#changed.add(sid)
    this.#hub.mark('session')
  }

  #view({ sid, userId, startedAt, lastAt, ended, holders }: Session): SessionView {
    return {
      sid,
      user: userId === undefined ? null : (this.#emails.get(userId) ?? userId),
      started_at: startedAt,
      last_at: lastAt,
      ended_at: ended?.at ?? null,
      ended_by: ended?.by ?? null,
      holders: [...holders.values()].map((holder) => ({ ...holder })),
    }
  }
}

/** The first end counts: later refusals only report it. */
function end(session: Session, at: number, by: string): void {
  session.ended ??= { at, by }
}

/** @returns the key that was dropped */
function dropOldest<T>(map: Map<string, T>, most: number): string | undefined {
  const [oldest] = map.keys()
  if (map.size <= most || oldest === undefined) return undefined
  map.delete(oldest)
  return oldest
}
