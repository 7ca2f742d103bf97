import { randomBytes } from 'node:crypto'
import type { Client } from '../client/client.ts'
import { describeDevice } from '../client/device.ts'
import { requestFields, riskField } from '../client/event.ts'
import type { Emit, Risk } from '../event.ts'
import type { LiveSession, LiveSessions, SessionLedger, Users } from '../stores/port.ts'
import { type ArrivalDeps, risksOfArrival } from './arrival.ts'
import { type Lifetimes, tokenExpiry } from './policy.ts'
import type { IssueToken } from './token.ts'

export interface IssueDeps extends ArrivalDeps, Pick<Lifetimes, 'idleSeconds' | 'renewSeconds'> {
  users: Pick<Users, 'readEpoch'>
  sessions: Pick<LiveSessions, 'create' | 'end'>
  ledger: Pick<SessionLedger, 'open' | 'close'>
  issueToken: IssueToken
  absoluteSeconds: number
  emit: Emit
  now: () => number
}

/** Whom a session is for: the epoch is the one that was read with the password hash. */
export interface Authenticated {
  userId: string
  epoch: number
  amr: readonly ('pwd' | 'otp')[]
  /** epoch ms; now, unless the session goes on from an authentication before. */
  authTime?: number | undefined
  /** What is odd about how the password was proved. */
  risk?: readonly Risk[] | undefined
  /** Told of the session before there is one: whatever ends it from then on finds it. */
  announce?: ((sid: string) => Promise<void>) | undefined
  /** See `NewSession.newDeviceSince`. */
  newDeviceSince?: number | undefined
  /** Asked again after the slow steps, the last time just before the answer: a block may have come meanwhile. */
  stillAllowed?: (() => Promise<boolean>) | undefined
}

export interface IssuedToken {
  sid: string
  token: string
  /** ISO 8601 */
  expiresAt: string
}

export interface IssuedSession extends IssuedToken {
  /** What is odd about how and to where it was issued. */
  risk: Risk[]
}

/**
 * Issues a session under a new sid, whatever the client presented before: ledger row first, Redis second, so that no
 * session is live that the ledger does not know.
 * @returns undefined if every session of the user was revoked meanwhile, or whoever asks is not allowed any more: then
 * this one is withdrawn as well
 */
export async function issueSession(
  who: Authenticated,
  client: Client,
  deviceHash: string,
  deps: IssueDeps,
): Promise<IssuedSession | undefined> {
  const now = deps.now()
  const sid = randomBytes(16).toString('base64url')
  const absoluteExpiry = now + deps.absoluteSeconds * 1000
  const { ip, via, userAgent } = client
  await deps.ledger.open({
    userId: who.userId,
    sid,
    state: 'active',
    issuedAt: new Date(now),
    absoluteExpiry: new Date(absoluteExpiry),
    deviceHash,
    device: describeDevice(userAgent),
    ip,
    via,
  })
  const { userId, amr, authTime = now, risk: proved = [], newDeviceSince } = who
  const session = { sid, userId, deviceHash, amr, authTime, absoluteExpiry, ...riskField(proved), newDeviceSince }
  await who.announce?.(sid)
  await deps.sessions.create(session, now)
  const stands = async () => {
    const [epoch, allowed] = await Promise.all([deps.users.readEpoch(userId), who.stillAllowed?.() ?? true])
    return allowed && epoch === who.epoch
  }
  const withdraw = async () => {
    await deps.sessions.end(sid)
    await deps.ledger.close(userId, sid, { state: 'ended', at: new Date(now) })
    return undefined
  }
  if (!(await stands())) return withdraw()
  const token = await tokenFor({ ...session, gen: 1 }, deps)
  const risk = [...proved, ...(await risksOfArrival(who.userId, client, deps))]
  if (!(await stands())) return withdraw()
  deps.emit({
    ...requestFields(client, deviceHash),
    evt: 'session',
    outcome: 'new',
    usr: { id: who.userId },
    sid,
    ...riskField(risk),
  })
  return { ...token, risk }
}

export type TokenDeps = Pick<IssueDeps, 'issueToken' | 'idleSeconds' | 'renewSeconds' | 'now'>

/** A token for one gen of a session. */
export async function tokenFor(
  session: Pick<LiveSession, 'sid' | 'userId' | 'amr' | 'authTime' | 'absoluteExpiry' | 'gen'>,
  deps: TokenDeps,
): Promise<IssuedToken> {
  const exp = tokenExpiry(session, deps, deps.now())
  const { sid, gen } = session
  const amr = [...session.amr] as ('pwd' | 'otp')[]
  const authTime = Math.floor(session.authTime / 1000)
  const token = await deps.issueToken({ sub: session.userId, sid, gen, amr, auth_time: authTime, exp })
  return { sid, token, expiresAt: new Date(exp * 1000).toISOString() }
}
