import { randomBytes } from 'node:crypto'
import type { Actor } from '../client/client.ts'
import { describeDevice } from '../client/device.ts'
import { actorFields, riskField } from '../client/event.ts'
import type { Emit, Risk } from '../event.ts'
import type { LedgerSession, LiveSession, LiveSessions, NewSession, SessionLedger, Users } from '../stores/port.ts'
import { type ArrivalDeps, risksOfArrival } from './arrival.ts'
import { type Lifetimes, tokenExpiry } from './policy.ts'
import type { IssueToken } from './token.ts'

export interface IssueDeps extends ArrivalDeps, Pick<Lifetimes, 'idleSeconds' | 'renewSeconds'> {
  users: Pick<Users, 'readEpoch'>
  sessions: Pick<LiveSessions, 'create' | 'end' | 'revoke'>
  ledger: Pick<SessionLedger, 'open' | 'close'>
  issueToken: IssueToken
  absoluteSeconds: number
  emit: Emit
  now: () => number
}

/** The person that a session is for. `epoch` was read together with the password hash. */
export interface Authenticated {
  userId: string
  epoch: number
  amr: readonly ('pwd' | 'otp')[]
  /** `signed-in` unless the holder of a session has re-authenticated. */
  acr?: NewSession['acr'] | undefined
  /** epoch ms; the present time unless the session continues an earlier authentication. */
  authTime?: number | undefined
  /**
   * epoch ms when the epoch was read or, for a continued session, when the first session began; the present time by
   * default.
   */
  begunAt?: number | undefined
  /** Verdicts on the proof of the password. */
  risk?: readonly Risk[] | undefined
  /** The session that this one continues under a new sid, and for what. */
  going?: { continues: string; begunBy: LedgerSession['begunBy'] } | undefined
  /** Called with the new sid before the session is written, so that a later block or revocation finds it. */
  recordSignIn?: ((sid: string) => Promise<void>) | undefined
  /** See `NewSession.newDeviceSince`. */
  newDeviceSince?: number | undefined
  /** Called after the slow steps, and once more just before the answer: a block may have come meanwhile. */
  stillAllowed?: (() => Promise<boolean>) | undefined
}

export interface IssuedToken {
  sid: string
  token: string
  /** ISO 8601 */
  expiresAt: string
}

export interface IssuedSession extends IssuedToken {
  /** Verdicts on the proof of the password and on the place. */
  risk: Risk[]
}

/**
 * Issues a session under a new sid, whatever the client presented. The ledger row is written first and Redis second,
 * so the ledger knows every live session.
 * @returns undefined if every session of the user was revoked meanwhile, or the client is not allowed any more; the
 * new session is then withdrawn
 */
export async function issueSession(
  who: Authenticated,
  actor: Actor,
  deps: IssueDeps,
): Promise<IssuedSession | undefined> {
  const now = deps.now()
  const { userId, epoch, amr, acr = 'signed-in', authTime = now, risk: proved = [] } = who
  const sid = newSid()
  const absoluteExpiry = now + deps.absoluteSeconds * 1000
  const { client, deviceHash } = actor
  const { ip, via, userAgent } = client
  const device = describeDevice(userAgent)
  await deps.ledger.open({
    userId,
    sid,
    deviceHash,
    device,
    ip,
    via,
    state: 'active',
    issuedAt: new Date(now),
    absoluteExpiry: new Date(absoluteExpiry),
    ...who.going,
  })
  const session: NewSession = {
    sid,
    userId,
    deviceHash,
    amr,
    acr,
    authTime,
    absoluteExpiry,
    epoch,
    via,
    ip,
    device,
    ...riskField(proved),
    newDeviceSince: who.newDeviceSince,
    begunAt: who.begunAt,
  }
  const token = await tokenFor({ ...session, gen: 1 }, deps)
  await who.recordSignIn?.(sid)
  const tooMany = await deps.sessions.create(session, now)
  const stands = async () => {
    const [current, allowed] = await Promise.all([deps.users.readEpoch(userId), who.stillAllowed?.() ?? true])
    return allowed && current === epoch
  }
  const withdraw = async () => {
    await deps.sessions.end(sid)
    await deps.ledger.close(userId, sid, { state: 'ended', at: new Date(now) })
    return undefined
  }
  if (!(await stands())) return withdraw()
  for (const one of tooMany) await endTooMany(userId, one, actor, deps)
  const travel = await risksOfArrival(userId, client, deps)
  const waited = tooMany.length > 0 || travel !== undefined
  if (waited && !(await stands())) return withdraw()
  const risk = [...proved, ...(travel ?? [])]
  deps.emit({
    ...actorFields(actor),
    evt: 'session',
    outcome: 'new',
    usr: { id: who.userId },
    sid,
    ...riskField(risk),
  })
  return { ...token, risk }
}

/** Ends the session that expires first to make room for the new one. Its holder learns the reason. */
async function endTooMany(userId: string, sid: string, actor: Actor, deps: IssueDeps) {
  const reason = 'too_many_sessions'
  const [at, usr] = [deps.now(), { id: userId }]
  if ((await deps.sessions.revoke(sid, { reason, at }, userId)) === 'noop') return
  deps.emit({ ...actorFields(actor), evt: 'session', outcome: 'ended', usr, sid })
  await deps.ledger.close(userId, sid, { state: 'revoked', at: new Date(at), reason })
}

export const newSid = (): string => randomBytes(16).toString('base64url')

export type TokenDeps = Pick<IssueDeps, 'issueToken' | 'idleSeconds' | 'renewSeconds' | 'now'>

/** A token for one gen of a session. */
export async function tokenFor(
  session: Pick<LiveSession, 'sid' | 'userId' | 'via' | 'amr' | 'acr' | 'authTime' | 'absoluteExpiry' | 'gen'>,
  deps: TokenDeps,
): Promise<IssuedToken> {
  const exp = tokenExpiry(session, deps, deps.now())
  const { sid, gen } = session
  const token = await deps.issueToken({ ...claimsOf(session), sid, gen, exp })
  return { sid, token, expiresAt: new Date(exp * 1000).toISOString() }
}

/** The claims that all tokens of a session share. They are compared at each presentation. */
export const claimsOf = (session: Pick<LiveSession, 'userId' | 'via' | 'amr' | 'acr' | 'authTime'>) => ({
  sub: session.userId,
  aud: session.via,
  amr: [...session.amr],
  acr: session.acr,
  auth_time: Math.floor(session.authTime / 1000),
})
