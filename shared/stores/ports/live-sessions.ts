import type { Risk } from '../../event.ts'
import type { Revocation, Tombstone } from './revocation.ts'

export interface NewSession {
  sid: string
  userId: string
  deviceHash: string
  amr: readonly ('pwd' | 'otp')[]
  /** How the session began: by a sign-in, or by a re-authentication. */
  acr: 'signed-in' | 're-authenticated'
  /** epoch ms */
  authTime: number
  absoluteExpiry: number
  /** The epoch of the user at that time. A higher epoch ends the session. */
  epoch: number
  /** The host that it was issued to; the other one refuses its tokens. */
  via: 'web' | 'api'
  ip: string
  /** The device in words, for the owner. */
  device: string
  /** Verdicts on the password that opened the session. A session that replaces it inherits them. */
  risk?: readonly Risk[] | undefined
  /**
   * epoch ms when the account met the device that opened the session; set if the device was new and not the first
   * one.
   */
  newDeviceSince?: number | undefined
  /**
   * epoch ms when the sign-in began, if earlier than the session. A session that replaces another inherits its value.
   */
  begunAt?: number | undefined
}

export interface LiveSession extends NewSession {
  gen: number
  createdAt: number
  lastSeenAt: number
}

/** The result of presenting a (sid, gen). `absent` gives no reason: the ledger has it. */
export type Presentation =
  | { kind: 'live'; session: LiveSession; renewalDue: boolean }
  | { kind: 'fork'; session: LiveSession }
  | { kind: 'revoked'; tombstone: Tombstone }
  | { kind: 'absent' }

/** A use of a session: the claims of its token, and the network of the request (`networkOf`). */
export interface Use {
  sid: string
  userId: string
  gen: number
  network: string
}

/** The result of a renewal. `offered` has the gen of the next token. */
export type Renewal =
  | { kind: 'offered'; gen: number; session: LiveSession }
  /** Too soon, or repeated from the same network: try again after this time. */
  | { kind: 'early' | 'repeated'; waitMs: number }
  /** Two holders: too many successors of one gen were asked for, and none was presented. */
  | { kind: 'fork'; session: LiveSession }
  | { kind: 'revoked'; tombstone: Tombstone }
  | { kind: 'stale' | 'absent' }

export interface LiveSessions {
  /** @returns the sids of the user beyond the limit, the one that expires first in front */
  create(session: NewSession, now: number): Promise<string[]>
  /** Judges a gen, promotes a successor, revokes a forked session and moves the idle deadline, in one step. */
  present(use: Use, now: number): Promise<Presentation>
  /** Issues a successor of the current gen, for this call only. */
  renew(use: Use, now: number): Promise<Renewal>
  /** Reads a session without using it. @returns undefined if it has expired or its epoch is over */
  read(sid: string, now: number): Promise<LiveSession | undefined>
  /**
   * Identifies the life of the data in Redis: it changes with a restart, a failover or a restore.
   * @returns undefined if the data has only one life
   * @throws while the data cannot be judged
   */
  incarnation(): Promise<string | undefined>
  /** The live sessions of the user, up to a limit. */
  listByUser(userId: string, now: number): Promise<LiveSession[]>
  /**
   * Ends every session of an earlier epoch, except those that `openedBefore` spares, in one step. Never lowers an
   * epoch. A spared session joins the new epoch at its next presentation.
   * @param until epoch ms from which no such session can be live
   */
  raiseEpoch(userId: string, revocation: Revocation, until: number): Promise<void>
  revocationOf(userId: string): Promise<Revocation | undefined>
  /** Moves one session to the epoch after its own. @returns false if it is not live, or of another epoch */
  adopt(sid: string, epoch: { from: number; to: number }, now: number): Promise<boolean>
  /** Reads sessions without comparing them with the ledger; not for admitting requests. */
  readMany(sids: readonly string[], now: number): Promise<(LiveSession | undefined)[]>
  tombstone(sid: string): Promise<Tombstone | undefined>
  /** Whose session it is. One that is over may be remembered, or not. */
  ownerOf(sid: string): Promise<string | undefined>
  /**
   * Revokes a session and the sessions that replaced it.
   * @param userId the owner, if known; the session is then found even if the store has lost its index
   * @returns `success` if this containment ended a live session, now or in an earlier call; `noop` if there was none
   * (a tombstone is left)
   */
  revoke(sid: string, tombstone: Tombstone, userId?: string): Promise<'success' | 'noop'>
  /** The chain of sessions that replaced this one. A revocation of it has ended them as well. */
  successorsOf(sid: string): Promise<string[]>
  /**
   * The logout of the user: removes the session without a tombstone. @param successor the session that replaces it
   * @returns whether it was there
   */
  end(sid: string, successor?: { sid: string; until: number }): Promise<boolean>
}
