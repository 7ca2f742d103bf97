import type { Risk } from '../event.ts'

/**
 * The stores as the domain sees them. Every implementation passes its suite in contract/. Times are `Date`s or epoch
 * milliseconds of the caller. No store reads a clock, except for a TTL that only cleans up what is over by its own
 * value.
 */

// ---- Postgres: the system of record ----

export interface User {
  id: string
  email: string
  passwordHash: string
  /** Rises when every session of the user must end; see `Users.bumpEpoch`. */
  epoch: number
  createdAt: Date
  /** False only if the account has surely issued no device token; otherwise `DeviceTokens.hasIssued` knows. */
  deviceTokens: boolean
  totp?:
    | {
        secret: string
        enabled: boolean
        lastStep: number
        /**
         * epoch ms; set if a device that was new to the account enabled the factor, which spared the other sessions.
         */
        doubtfulSince?: number | undefined
      }
    | undefined
}

export interface Users {
  /** @returns `existing` if the address is taken; nothing is changed then */
  create(user: { id: string; email: string; passwordHash: string }, now: Date): Promise<'created' | 'existing'>
  findByEmail(email: string): Promise<User | undefined>
  findById(id: string): Promise<User | undefined>
  readEpoch(id: string): Promise<number | undefined>
  /** Called before the account's first device token is issued; see `User.deviceTokens`. */
  expectDeviceTokens(id: string): Promise<void>
  /**
   * A containment raises the epoch once: a repeated call changes nothing and returns the same epoch.
   * @param why as in `Revocation`
   * @returns the new epoch; undefined for an unknown user
   */
  bumpEpoch(
    id: string,
    why: { reason: RevocationReason; containmentId?: string; openedBefore?: number },
    now: Date,
  ): Promise<number | undefined>
  /** Users whose epoch rose at or after `since`, latest first. `before` is the last user of the previous page. */
  listRevoked(since: Date, limit: number, before?: Pick<RevokedUser, 'id' | 'at'>): Promise<RevokedUser[]>
  /**
   * Sets the hash and raises the epoch in one transaction, if hash and epoch are still the verified ones. `dropTotp`
   * also removes a doubtful second factor; nothing changes if there is none.
   * @returns the new epoch
   */
  changePassword(
    id: string,
    from: { hash: string; epoch: number; dropTotp?: boolean },
    to: string,
    now: Date,
  ): Promise<number | undefined>
  /**
   * Stores the same password under newer parameters, without a new epoch or audit row. Does nothing if the hash has
   * changed.
   */
  rehash(id: string, from: string, to: string): Promise<void>
  /**
   * Stores an encrypted, unconfirmed secret in place of an earlier unconfirmed one. @returns false if a factor is
   * enabled
   */
  offerTotp(id: string, secret: string, now: Date): Promise<boolean>
  /**
   * Enables the offered secret, if it is unchanged and the epoch is that of the asking session, and stores the step
   * that confirmed it. Raises the epoch unless the other sessions are spared.
   * @returns the epoch afterwards
   */
  enableTotp(
    id: string,
    totp: { secret: string; step: number; epoch: number; spareOthers?: boolean },
    now: Date,
  ): Promise<number | undefined>
  /**
   * Disables the factor, if the epoch is that of the asking session, and raises the epoch.
   * @returns the epoch afterwards
   */
  disableTotp(id: string, epoch: number, now: Date): Promise<number | undefined>
  /** Removes at most `atMost` audit rows older than `before`, oldest first. @returns how many it removed */
  purgeAudit(before: Date, atMost: number): Promise<number>
  /** Accepts a time step once: true only for the first caller, with a step above the last one. @see RFC 6238 5.2 */
  acceptTotpStep(id: string, step: number): Promise<boolean>
}

/** A request to register. It becomes an account when somebody opens the link in the mail. */
export interface Registration {
  email: string
  passwordHash: string
  /** SHA-256 of the token in the link, in hex; undefined if no link was sent, so nobody can confirm it. */
  tokenHash: string | undefined
  /** SHA-256 of the secret in the answer to the registration, in hex. */
  registrationHash: string
  expiresAt: Date
}

/**
 * Proof that the person with the link is the one who registered: the secret of the answer, or the hash of the
 * password.
 */
export type RegistrantProof = { registrationHash: string } | { passwordHash: string }

export interface Registrations {
  /** Adds one row per link that is sent. Registrations of an address without a link share one row. */
  add(registration: Registration, now: Date): Promise<void>
  /**
   * Counts an attempt at the password of a registration, before the password is compared.
   * @returns the hash to compare with; undefined if the link is unknown, expired, or was tried `atMost` times
   */
  tryPassword(tokenHash: string, atMost: number, now: Date): Promise<string | undefined>
  /** Takes back an attempt whose password was not compared. */
  releaseTry(tokenHash: string): Promise<void>
  /**
   * Opens the account of this link and removes every registration of its address, in one step.
   * @returns undefined, without any change, if the link is unknown, used or expired, or the proof is not of this
   * registration; undefined also if the address has an account
   */
  confirm(
    tokenHash: string,
    proof: RegistrantProof,
    userId: string,
    now: Date,
  ): Promise<{ id: string; email: string } | undefined>
  /** Removes at most `atMost` expired registrations. @returns how many it removed */
  purge(now: Date, atMost: number): Promise<number>
}

export interface RevokedUser extends Revocation {
  id: string
}

// ---- Redis: what is live ----

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

/** Why a session was revoked. */
export type RevocationReason =
  | 'contained'
  | 'forked'
  | 'ended_elsewhere'
  | 'password_changed'
  | 'factor_changed'
  | 'too_many_sessions'
export interface Tombstone {
  reason: RevocationReason
  /** epoch ms */
  at: number
  /** The containment that revoked the session, so that a repeated call recognises its own work. */
  containmentId?: string | undefined
  /** Which host carried out that containment: functions cannot know it if the answer of web was lost. */
  by?: 'web' | 'direct' | undefined
}

/** Why the sessions of a user from earlier epochs are over. */
export interface Revocation extends Tombstone {
  epoch: number
  /**
   * epoch ms: spares sessions whose sign-in began at this time or later. A containment sets it to the time of the
   * alert, however late it is carried out. Without it every session of an earlier epoch is over.
   */
  openedBefore?: number | undefined
  /** An earlier revocation that spared no session. Only a revocation with `openedBefore` has one. */
  earlier?: Revocation | undefined
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

export interface ThrottleRule {
  key: string
  limit: number
  windowSeconds: number
}

export interface Throttle {
  /**
   * Counts one attempt against every rule, in one step.
   * @returns undefined if all rules allow it; otherwise the seconds until the first refusing window ends. A refused
   * attempt is not counted, so a slow trickle does not extend the wait
   */
  reserve(rules: readonly ThrottleRule[]): Promise<{ retryAfterSeconds: number } | undefined>
  /** Takes one attempt back, because the password was right. */
  release(keys: readonly string[]): Promise<void>
  /** {@link release}, then {@link reserve}, in one step. The release stays even if the reservation is refused. */
  exchange(
    released: readonly string[],
    rules: readonly ThrottleRule[],
  ): Promise<{ retryAfterSeconds: number } | undefined>
  clear(keys: readonly string[]): Promise<void>
}

/** One attempt with a password at a login, as later attempts are judged by it. Both are keyed hashes. */
export interface Attempt {
  password: string
  login: string
  /** The origins of the attempt: values that distinguish one person from another. */
  origins: readonly string[]
  /** `refused`: the attempt was refused before the password was checked. */
  outcome: 'failed' | 'refused' | 'right'
}

export interface Attempts {
  /**
   * Counts an attempt and reports the totals, in one step. Only a failed attempt creates an entry: a right password
   * must not be stored under a fast hash, and refused attempts must not fill the store.
   * @param within how long an attempt counts, in milliseconds
   * @param most the largest count, and the most entries kept
   * @returns `logins`: at how many logins the password was tried, this one included if the password has an entry;
   * `failures`: of this login, from the origin with the most failures
   */
  note(attempt: Attempt, within: number, most: number, now: number): Promise<{ logins: number; failures: number }>
}

/** Ids of signed calls. Each is accepted once. */
export interface ReplayCache {
  /** @param expiresAt epoch ms until which the id is kept @returns false if the id was accepted before */
  accept(id: string, expiresAt: number): Promise<boolean>
}

export interface BlockList {
  block(network: string, entry: { containmentId: string; until: number }): Promise<void>
  /** @returns the containment that blocks this network */
  blockedBy(network: string, now: number): Promise<{ containmentId: string; until: number } | undefined>
  /** Removes the block if it still belongs to this containment. */
  unblock(network: string, containmentId: string): Promise<boolean>
}

/** A session that was opened with a password, with or without a code. */
export interface Entrance {
  sid: string
  userId: string
  /** Whether the sign-in had a verdict, or came from a device that was new to the account. */
  odd: boolean
  /** The lineage of the device token that was issued with it. */
  lineage?: string | undefined
  /**
   * Whether the device presented a token of that lineage; it is then as suspect as the sign-in that began the
   * lineage.
   */
  returning?: boolean | undefined
}

/** How long the network of a sign-in is kept. */
export const ENTRANCE_WINDOW_MS = 15 * 60_000

/** Recent sign-ins per network, by devices that the account had not known for long. */
export interface Entrances {
  /** Records a failed sign-in: an attack from the network may have begun. */
  failed(network: string, now: number): Promise<void>
  opened(network: string, entrance: Entrance, now: number): Promise<void>
  /**
   * The sessions that an attacker in the network may have opened: odd ones, and those since the first failure. A
   * session of a device that presented a token counts only if the token was issued with one of these.
   */
  suspects(network: string, now: number): Promise<Entrance[]>
}

export interface PendingMfa {
  userId: string
  epoch: number
  deviceHash: string
  loginEmail: string
  /** epoch ms when the sign-in began. */
  begunAt?: number | undefined
  /** Verdicts on the password. The session that the code opens inherits them. */
  risk?: readonly Risk[] | undefined
}
/** Half sessions after the password, keyed by the hash of their token. */
export interface PendingMfas {
  create(token: string, pending: PendingMfa, ttlSeconds: number): Promise<void>
  /** Counts one attempt, in one step. @returns undefined if the token is unknown or over */
  attempt(token: string): Promise<{ pending: PendingMfa; attempts: number } | undefined>
  /** @returns true for exactly one caller */
  consume(token: string): Promise<boolean>
}

/**
 * Counts the distinct subjects that were recently contained under one name: a detection, or its share for new
 * accounts.
 */
export interface ContainmentCap {
  /**
   * The first `perSource` distinct subjects of a source within `windowMs` share the limit `subjects` with all other
   * sources. Further subjects of that source are admitted only while fewer than `subjects` have been admitted in all,
   * and never take the place of another source. An admitted subject stays admitted.
   */
  admit(
    name: string,
    counted: { subject: string; source: string },
    limits: { subjects: number; perSource: number; windowMs: number },
    now: number,
  ): Promise<boolean>
}

export interface Lease {
  /** Greater than the fence of every earlier holder, which distinguishes the late writes of an old holder. */
  fence: number
  /** Extends the lease by its full time from now. @returns false if it has ended or another holder has it */
  renew(): Promise<boolean>
  /** Releases the lease, unless another holder has it. */
  release(): Promise<void>
}

export interface Leases {
  /** @returns undefined while another holder has the lease */
  acquire(name: string, ttlMs: number): Promise<Lease | undefined>
}

// ---- Azure Tables: what is remembered ----

export type LedgerState = 'active' | 'ended' | 'expired' | 'revoked'
export interface LedgerSession {
  userId: string
  /** Stored in plain, because the sid is public by design: it names a session and opens nothing. */
  sid: string
  state: LedgerState
  issuedAt: Date
  absoluteExpiry: Date
  endedAt?: Date | undefined
  reason?: RevocationReason | undefined
  containmentId?: string | undefined
  deviceHash: string
  device: string
  ip: string
  via: 'web' | 'api'
}

export interface SessionLedger {
  /** @throws if the row cannot be written: no row, no session */
  open(session: LedgerSession): Promise<void>
  find(userId: string, sid: string): Promise<LedgerSession | undefined>
  /** Finds a session by its sid alone, which is what an alert names. */
  locate(sid: string): Promise<LedgerSession | undefined>
  listByUser(userId: string): Promise<LedgerSession[]>
  /** Closes an active row; a closed row stays unchanged. @returns whether the row was active */
  close(
    userId: string,
    sid: string,
    end: {
      state: Exclude<LedgerState, 'active'>
      at: Date
      reason?: RevocationReason | undefined
      containmentId?: string | undefined
    },
  ): Promise<boolean>
  /**
   * Open rows, oldest first, in pages of limited size. @param after `next` of the page at which an earlier reading
   * stopped
   */
  openPages(after?: string): AsyncIterable<OpenPage>
  /**
   * Sessions issued since then that ended early, page by page. A session that is being closed at this moment may be
   * missing; its own row is already correct.
   */
  endedPages(issuedSince: Date): AsyncIterable<EndedSession[]>
  /** Closes open rows as expired. @returns how many were still active */
  expire(sessions: readonly OpenSession[], at: Date): Promise<number>
  /** The progress of the sweeper through the open rows. */
  progress(): Promise<SweepProgress | undefined>
  /** @returns false if a holder with a later fence has stored its progress */
  keepProgress(progress: SweepProgress): Promise<boolean>
  /** Removes at most `atMost` sessions issued before then, oldest first. @returns how many it removed */
  purge(issuedBefore: Date, atMost: number): Promise<number>
}
export interface OpenSession {
  userId: string
  sid: string
  issuedAt: Date
  absoluteExpiry: Date
}

export type EndedSession = Pick<LedgerSession, 'userId' | 'sid' | 'reason' | 'containmentId'> & {
  state: 'ended' | 'revoked'
  endedAt: Date
}

export interface OpenPage {
  sessions: OpenSession[]
  /**
   * Those of them whose index row was a minute old when the reading began, by the clock of the store alone: the session of
   * a younger one may still be on its way into Redis, whatever time the host has that opens it.
   */
  settled: OpenSession[]
  /** The key of the last row, after which the next page begins. */
  next: string
}
export interface SweepProgress {
  /** The fence of the lease under which the progress was stored. */
  fence: number
  /** When this pass over all open rows began, and how many rows it has read. */
  startedAt: Date
  seen: number
  /** `next` of the last finished page; undefined when the pass is over. */
  after?: string | undefined
}

export interface KnownDevice {
  /** When the account first saw the device. */
  since: Date
  /** Whether it was the first device of the account. */
  isFirst: boolean
}

export interface KnownDevices {
  find(userId: string, deviceHash: string): Promise<KnownDevice | undefined>
  /** @returns the device, and whether this call added it */
  remember(userId: string, deviceHash: string, now: Date): Promise<KnownDevice & { isNew: boolean }>
  /** Removes a device that was added by a sign-in that then failed. */
  forget(userId: string, deviceHash: string): Promise<void>
}

/** A browser or script with a device token of its own. */
export interface TrustedDevice extends KnownDevice {
  /** Unchanged when the token is replaced. */
  lineage: string
  /** When it got its first token. Its kind may be known for longer. */
  givenAt: Date
}

/** Device tokens, by account and by the SHA-256 of the id of the token. */
export interface DeviceTokens {
  find(userId: string, id: string, now: Date): Promise<TrustedDevice | undefined>
  /** Whether the account has ever issued a token. From then on only tokens identify a known device. */
  hasIssued(userId: string): Promise<boolean>
  /**
   * Stores the id of a token. Beyond `MAX_DEVICES` per account one token is removed: first a replaced one, then one
   * that was never used again, then the one unused for longest.
   * @param replaces the presented id, which is not removed
   * @returns whether the account had never issued one before
   */
  issue(userId: string, id: string, device: TrustedDevice, now: Date, replaces?: string): Promise<{ isFirst: boolean }>
  /** Keeps a replaced id valid for a few minutes, because answers get lost, but never longer than before. */
  retire(userId: string, id: string, now: Date): Promise<void>
  /** Removes a token that was issued by a sign-in that then failed. @param issued the result of `issue` */
  withdraw(userId: string, id: string, issued: { isFirst: boolean }): Promise<void>
  /** Revokes the tokens of one device, whichever id it has. */
  revokeLineage(userId: string, lineage: string): Promise<void>
  /** @param except the id of the device that stays */
  revokeAll(userId: string, except?: string): Promise<void>
}

/** The last place of an account, as far as travel is judged by it. */
export interface LastPlace {
  /** degrees, rounded by the domain */
  latitude: number
  longitude: number
  at: Date
  /** The time of the first sign-in from a known place, and the number of sign-ins since. */
  since: Date
  logins: number
}

export interface LastPlaces {
  /**
   * Replaces the last place of a user with the result of `revise`; undefined leaves it unchanged. Calls `revise`
   * again after a concurrent change, so that each sign-in is judged by the one before it.
   */
  revise(userId: string, revise: (before: LastPlace | undefined) => LastPlace | undefined): Promise<void>
}

export type ContainmentState =
  | 'pending' // claimed; the claimant or the sweeper carries it out
  | 'done'
  | 'held' // stopped by the cap, the policy or its age; an operator decides
  | 'failed' // it can never be carried out
  | 'undone'
  | 'closed' // the alert recovered, or the effect ran out

/** Why a row is held, failed or closed. */
export type ContainmentReason =
  // held
  | 'cap'
  | 'policy'
  | 'stale'
  // held or closed
  | 'recovered'
  // closed: the effect ended by itself; the alert may still be open
  | 'expired'
  // closed: another row handles the same alert, from the pull or from the webhook
  | 'duplicate'
  // failed
  | 'policy_gone'
  | 'policy_changed'
  | 'subject_gone'
  | 'unreadable'

export interface Containment {
  id: string
  detection: string
  cycle: string
  /** The subject in one spelling: `@sid:…`, `@network:…`, `@usr.id:…`; `*` for an alert without groups. */
  scope: string
  action: 'revoke' | 'revoke_user' | 'block_ip' | 'notify'
  state: ContainmentState
  result?: 'success' | 'noop' | undefined
  reason?: ContainmentReason | undefined
  via?: 'web' | 'direct' | undefined
  /** The operator who last approved, retried or undid it, and the reason given. */
  operator?: string | undefined
  why?: string | undefined
  userId?: string | undefined
  alertId: string
  /** The date of the alert; the dates below are ours. */
  alertedAt: Date
  createdAt: Date
  updatedAt: Date
  /** The start of a block, if a reminder or an operator renewed it. */
  renewedAt?: Date | undefined
  /** When the effect (a block) ends by itself. */
  expiresAt?: Date | undefined
  /** The number of attempts begun. It is the fence: only the latest attempt may change the row. */
  attempts: number
  /** The request id of the latest attempt. */
  holder?: string | undefined
  /** No attempt begins before this time: an attempt is under way, or the next one waits. */
  nextAt: Date
  /** The cap admitted it; the cap is asked once. */
  admitted?: boolean | undefined
  /** The alert recovered before the containment was carried out. */
  recovered?: boolean | undefined
  /** An operator approved it, so neither its age nor its recovery holds it. */
  approved?: boolean | undefined
  /** Lacks required data: a manual edit, a backup or another release wrote it. */
  unreadable?: true | undefined
  /** The event that the row still owes. It must be emitted before the row changes again. */
  announce?: Announcement | undefined
}

/** The part of an event that is not in its row. A repeated announcement has the same `requestId`. */
export interface Announcement {
  outcome: 'success' | 'noop' | 'refused' | 'fail' | 'undone'
  requestId: string
  reason?: Exclude<ContainmentReason, 'duplicate'> | undefined
  sessionsEnded?: number | undefined
}

export interface ContainmentLedger {
  /** Inserts a row. @returns false if there is already a row for this (detection, cycle, scope) */
  claim(containment: Containment): Promise<boolean>
  find(detection: string, id: string): Promise<Containment | undefined>
  /**
   * Changes a row in one step. `step` judges the current row, again after a concurrent change.
   * @param step pure; undefined leaves the row unchanged
   * @returns the written row; undefined if `step` refused or the row is missing
   */
  revise(
    detection: string,
    id: string,
    step: (row: Containment) => Containment | undefined,
  ): Promise<Containment | undefined>
  /**
   * Rows that still need work (`isOpen`), oldest first, at most 100 a page. Rows that have just changed may be
   * missing or out of date: judge each one.
   */
  openPages(now: Date): AsyncIterable<Containment[]>
  /** Every row about one subject of one detection. */
  listOf(detection: string, scope: string): Promise<Containment[]>
  /** Newest first. `since`: created at or after; `changedSince`: moved on at or after. */
  list(filter: {
    states?: readonly ContainmentState[]
    reason?: ContainmentReason
    detection?: string
    since?: Date
    changedSince?: Date
    limit?: number
  }): Promise<Containment[]>
  /**
   * Finds rows that {@link openPages} misses, because an older release or a manual edit wrote them, and adds them.
   * Reads a limited number of rows.
   * @param from where the previous call ended
   * @returns where to continue; undefined at the end
   */
  reindex(now: Date, from?: string): Promise<string | undefined>
  /** Removes at most `atMost` rows that last changed before then and are not `pending`. @returns how many it removed */
  purge(before: Date, atMost: number): Promise<number>
}
