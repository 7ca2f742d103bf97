import type { CountryLookup } from '../../shared/geo/place.ts'
import type { Asking } from '../../shared/session/present.ts'
import type {
  AccountChange,
  LedgerSession,
  RecentSessions,
  RevocationReason,
  SessionLedger,
  Throttle,
  Users,
} from '../../shared/stores/port.ts'
import { historyRules } from './limits.ts'

export interface HistoryDeps {
  users: Pick<Users, 'listChanges'>
  ledger: Pick<SessionLedger, 'listRecent'>
  throttle: Pick<Throttle, 'reserve'>
  countryOf: CountryLookup
  now: () => number
}

/** Something that happened to an account. */
export interface HistoryEntry {
  at: Date
  event:
    | 'registered'
    | 'signed_in'
    /** The password was entered again in a session. */
    | 'confirmed'
    | 'signed_out'
    /** One session was ended; `reason` says why. */
    | 'session_ended'
    /** A containment ended every session. */
    | 'all_sessions_ended'
    /** The owner ended every other session. */
    | 'other_sessions_ended'
    | 'password_changed'
    | 'factor_enabled'
    | 'factor_disabled'
  reason?: RevocationReason | undefined
  sid?: string | undefined
  device?: string | undefined
  ip?: string | undefined
  country?: string | undefined
}

export interface History {
  /** Newest first. */
  entries: HistoryEntry[]
  /** False if more happened in the time that it covers. */
  complete: boolean
}

const PERIOD_MS = 30 * 86_400_000
/** Of each kind. Apart, so that a flood of sign-ins hides no change of the password. */
const MOST = { uses: 30, changes: 30 } as const
const USES: ReadonlySet<HistoryEntry['event']> = new Set(['signed_in', 'confirmed', 'signed_out'])

/**
 * What happened to the account of a session in the last 30 days, from the audit rows and the session ledger. The
 * number of readings and the rows of each are limited.
 */
export async function readHistory(
  { session: { userId } }: Pick<Asking, 'session'>,
  deps: HistoryDeps,
): Promise<({ kind: 'history' } & History) | { kind: 'throttled'; retryAfterSeconds: number }> {
  const refusal = await deps.throttle.reserve(historyRules(userId))
  if (refusal) return { kind: 'throttled', ...refusal }
  const since = new Date(deps.now() - PERIOD_MS)
  const [changes, recent] = await Promise.all([
    deps.users.listChanges(userId, since, MOST.changes + 1),
    deps.ledger.listRecent(userId, since),
  ])
  return { kind: 'history', ...historyOf(changes, recent, deps.countryOf) }
}

/** @param changes and sessions of one account and one period */
function historyOf(
  changes: readonly AccountChange[],
  { sessions, complete }: RecentSessions,
  countryOf: CountryLookup,
): History {
  const all = [...changes.flatMap(entryOfChange), ...entriesOfSessions(sessions, changes)]
  // Of one instant, the later step of one request comes first: an end before the beginning that it follows.
  all.sort((a, b) => b.at.getTime() - a.at.getTime())
  const uses = all.filter(({ event }) => USES.has(event))
  const others = all.filter(({ event }) => !USES.has(event))
  const entries = [...uses.slice(0, MOST.uses), ...others.slice(0, MOST.changes)]
  return {
    entries: entries.sort((a, b) => b.at.getTime() - a.at.getTime()).map((entry) => withCountry(entry, countryOf)),
    complete: complete && entries.length === all.length,
  }
}

const EVENTS: Readonly<Record<AccountChange['action'], HistoryEntry['event']>> = {
  registered: 'registered',
  password_changed: 'password_changed',
  totp_enabled: 'factor_enabled',
  totp_disabled: 'factor_disabled',
  sessions_revoked: 'all_sessions_ended',
  sessions_ended: 'other_sessions_ended',
}

/** A row that a later release wrote has an action that this one does not know. */
function entryOfChange({ at, action, by }: AccountChange): HistoryEntry[] {
  return Object.hasOwn(EVENTS, action) ? [{ at, event: EVENTS[action], ...by }] : []
}

/** These end with a change of the account, which has its own entry. */
const WITH_CHANGE: ReadonlySet<RevocationReason | undefined> = new Set(['password_changed', 'factor_changed'])

function entriesOfSessions(sessions: readonly LedgerSession[], changes: readonly AccountChange[]): HistoryEntry[] {
  const continued = new Set(sessions.map(({ continues }) => continues))
  const containments = new Set(changes.map(({ containmentId }) => containmentId))
  const endedAt = new Set(changes.filter(({ action }) => action === 'sessions_ended').map(({ at }) => at.getTime()))
  return sessions.flatMap((session): HistoryEntry[] => {
    const { sid, device, ip, issuedAt, endedAt: end, state, reason, containmentId } = session
    const about = { sid, device, ip }
    const begun = beginningOf(session)
    const entries: HistoryEntry[] = begun === undefined ? [] : [{ at: issuedAt, event: begun, ...about }]
    if (end === undefined) return entries
    if (state === 'ended' && !continued.has(sid)) entries.push({ at: end, event: 'signed_out', ...about })
    const hasEntry =
      WITH_CHANGE.has(reason) ||
      (containmentId !== undefined && containments.has(containmentId)) ||
      (reason === 'ended_elsewhere' && endedAt.has(end.getTime()))
    if (state === 'revoked' && !hasEntry) entries.push({ at: end, event: 'session_ended', reason, ...about })
    return entries
  })
}

function beginningOf({ begunBy }: LedgerSession): HistoryEntry['event'] | undefined {
  if (begunBy === undefined) return 'signed_in'
  return begunBy === 'reauthentication' ? 'confirmed' : undefined
}

function withCountry(entry: HistoryEntry, countryOf: CountryLookup): HistoryEntry {
  const country = entry.ip === undefined ? undefined : countryOf(entry.ip)
  return country === undefined ? entry : { ...entry, country }
}
