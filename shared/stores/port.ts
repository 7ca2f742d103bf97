import type { Risk } from '../event.ts'

/**
 * The stores as the domain sees them. Every implementation passes its suite in contract/.
 * Times are `Date`s or epoch milliseconds passed in by the caller: no store reads a clock of its own, except where a
 * TTL only tidies up what the value itself already says is over.
 */

// ---- Postgres: the system of record ----

export interface User {
  id: string
  email: string
  passwordHash: string
  /** Rises whenever every session of the user must go; see `Users.bumpEpoch`. */
  epoch: number
  createdAt: Date
  /** False only if the account has surely issued no device token; otherwise `DeviceTokens.hasIssued` knows. */
  deviceTokens: boolean
  totp?:
    | {
        secret: string
        enabled: boolean
        lastStep: number
        /** epoch ms; when a device that was new to the account turned it on, and spared the other sessions. */
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
   * A containment raises it once: asked again, nothing changes, and the epoch is the one of the first time.
   * @param why as in `Revocation`
   * @returns the new epoch, or undefined for an unknown user
   */
  bumpEpoch(
    id: string,
    why: { reason: RevocationReason; containmentId?: string; openedBefore?: number },
    now: Date,
  ): Promise<number | undefined>
  /** Users whose epoch moved at or after `since`, latest first. `before` is the last one of the page before. */
  listRevoked(since: Date, limit: number, before?: Pick<RevokedUser, 'id' | 'at'>): Promise<RevokedUser[]>
  /**
   * Sets the hash and bumps the epoch in one transaction, if hash and epoch are still those that were verified. With
   * `dropTotp` a doubtful second factor goes as well; nothing changes if there is none.
   * @returns the new epoch
   */
  changePassword(
    id: string,
    from: { hash: string; epoch: number; dropTotp?: boolean },
    to: string,
    now: Date,
  ): Promise<number | undefined>
  /** The same password under newer parameters: no epoch, no audit row; nothing if the hash has moved. */
  rehash(id: string, from: string, to: string): Promise<void>
  /** Keeps an encrypted secret that is not yet confirmed; replaces an unconfirmed one. @returns false if one is enabled */
  offerTotp(id: string, secret: string, now: Date): Promise<boolean>
  /**
   * Enables the offered secret, if it is still that one and the epoch still that of the session that asks, and remembers
   * the step that confirmed it. Bumps the epoch unless the other sessions are spared. @returns the epoch from then on
   */
  enableTotp(
    id: string,
    totp: { secret: string; step: number; epoch: number; spareOthers?: boolean },
    now: Date,
  ): Promise<number | undefined>
  /** Likewise, and always bumps the epoch. */
  disableTotp(id: string, epoch: number, now: Date): Promise<number | undefined>
  /** Removes audit rows from before, oldest first, at most so many. @returns how many it removed */
  purgeAudit(before: Date, atMost: number): Promise<number>
  /** Accepts a time step once: true only for the first caller with a step above the last one. @see RFC 6238 5.2 */
  acceptTotpStep(id: string, step: number): Promise<boolean>
}

/** Asked for, with a link in the mail, and not an account before somebody opens the link. */
export interface Registration {
  email: string
  passwordHash: string
  /** SHA-256 of the token in the link, in hex; undefined where no link is sent: nobody can confirm it then. */
  tokenHash: string | undefined
  /** SHA-256 of what the registration was answered with, in hex. */
  registrationHash: string
  expiresAt: Date
}

/** That whoever uses a link is who registered: what the registration was answered with, or its password's own hash. */
export type RegistrantProof = { registrationHash: string } | { passwordHash: string }

export interface Registrations {
  /** One row for each link that is sent, and one for an address for all that are not. */
  add(registration: Registration, now: Date): Promise<void>
  /**
   * Counts a try at the password of a link's registration, before the password is compared.
   * @returns the hash to compare with; undefined for a link that is unknown or expired, or was tried `atMost` times
   */
  tryPassword(tokenHash: string, atMost: number, now: Date): Promise<string | undefined>
  /** Gives a try back whose password was not compared. */
  releaseTry(tokenHash: string): Promise<void>
  /**
   * Opens the account that this link is for, and removes every registration of its address, in one step.
   * @returns undefined, and nothing has changed, for a link that is unknown, used or expired, and for a proof that is not
   * this registration's; undefined also if the address has an account
   */
  confirm(
    tokenHash: string,
    proof: RegistrantProof,
    userId: string,
    now: Date,
  ): Promise<{ id: string; email: string } | undefined>
  /** Removes expired ones, at most so many. @returns how many it removed */
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
  /** How the session came to be: by a sign-in, or by its holder's proving once more who they are. */
  acr: 'signed-in' | 're-authenticated'
  /** epoch ms */
  authTime: number
  absoluteExpiry: number
  /** The user's when it was issued: a higher one ends it. */
  epoch: number
  /** The host that it was issued to; the other one refuses its tokens. */
  via: 'web' | 'api'
  ip: string
  /** In words for its owner. */
  device: string
  /** Of the password that opened it: a session that takes its place has them too. */
  risk?: readonly Risk[] | undefined
  /** epoch ms when the account met the device that opened it, if that was not its first one and not long ago. */
  newDeviceSince?: number | undefined
  /**
   * epoch ms when its holder began to sign in, if that was earlier than when it was created. A session that takes the place
   * of another has the other's.
   */
  begunAt?: number | undefined
}

export interface LiveSession extends NewSession {
  gen: number
  createdAt: number
  lastSeenAt: number
}

/** Why a session is not merely absent. */
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
  /** Which containment did it, so that a repeated one knows its own work. */
  containmentId?: string | undefined
}

/** Why sessions of a user are over that were issued in an epoch before this one. */
export interface Revocation extends Tombstone {
  epoch: number
  /**
   * epoch ms: spares sessions that somebody began to open at this time or later. For containments: they end what was open
   * when the alert came, however late they are carried out. Without it every session of an earlier epoch is over.
   */
  openedBefore?: number | undefined
  /** One of a lower epoch that spared no session. Only a revocation with `openedBefore` has one. */
  earlier?: Revocation | undefined
}

/** What a presented (sid, gen) met. `absent` says nothing of why: the ledger does. */
export type Presentation =
  | { kind: 'live'; session: LiveSession; renewalDue: boolean }
  | { kind: 'fork'; session: LiveSession }
  | { kind: 'revoked'; tombstone: Tombstone }
  | { kind: 'absent' }

/** A use of a session: what its token says, and the network that it came from (`networkOf`). */
export interface Use {
  sid: string
  userId: string
  gen: number
  network: string
}

/** What a renewal met. `offered` comes with the gen that the next token carries. */
export type Renewal =
  | { kind: 'offered'; gen: number; session: LiveSession }
  /** Too soon, or a repetition from the same network: ask again once this time has passed. */
  | { kind: 'early' | 'repeated'; waitMs: number }
  /** So many successors of one gen were asked for, and none presented, that two holders must be asking. */
  | { kind: 'fork'; session: LiveSession }
  | { kind: 'revoked'; tombstone: Tombstone }
  | { kind: 'stale' | 'absent' }

export interface LiveSessions {
  /** @returns the user's sids that are too many now, the one that expires first in front */
  create(session: NewSession, now: number): Promise<string[]>
  /** Judges a gen, promotes an offered one, revokes a forked session and moves the idle deadline: all in one step. */
  present(use: Use, now: number): Promise<Presentation>
  /** Makes a successor of the current gen for this call alone. */
  renew(use: Use, now: number): Promise<Renewal>
  /** Reads without touching. An expired one is undefined, and so is one of an epoch that is over. */
  read(sid: string, now: number): Promise<LiveSession | undefined>
  /**
   * Which life of the data in Redis this is: another one after a restart, a failover or a restore.
   * @returns undefined where the data has one life only
   * @throws while nothing can be said of it
   */
  incarnation(): Promise<string | undefined>
  /** The user's live sessions, a bounded number of them. */
  listByUser(userId: string, now: number): Promise<LiveSession[]>
  /**
   * Ends every session of an epoch before, save those that `openedBefore` spares, in one step however many there are.
   * Never lowers an epoch. A spared session belongs to the new epoch from its next presentation on.
   * @param until epoch ms from which no such session can live any more
   */
  raiseEpoch(userId: string, revocation: Revocation, until: number): Promise<void>
  revocationOf(userId: string): Promise<Revocation | undefined>
  /** Takes one session over into the epoch that follows its own. @returns false if it is not live, or of another epoch */
  adopt(sid: string, epoch: { from: number; to: number }, now: number): Promise<boolean>
  /** What the store holds, without a look into the ledger: nobody is let in by this. */
  readMany(sids: readonly string[], now: number): Promise<(LiveSession | undefined)[]>
  tombstone(sid: string): Promise<Tombstone | undefined>
  /** Whose session it is. One that is over may be remembered, or not. */
  ownerOf(sid: string): Promise<string | undefined>
  /**
   * Revokes a session, and whatever took its place.
   * @param userId whose it is, where that is known: then it is found also if the store has lost the way to it
   * @returns `success` if a live session died of it: now, or before of the same containment; `noop` if there was none (a
   * tombstone is left in its place)
   */
  revoke(sid: string, tombstone: Tombstone, userId?: string): Promise<'success' | 'noop'>
  /** The sids that took the place of this one, one after the other: what a revocation of it has ended as well. */
  successorsOf(sid: string): Promise<string[]>
  /** The user's own logout: gone, without a tombstone. @param successor what took its place @returns whether there was one */
  end(sid: string, successor?: { sid: string; until: number }): Promise<boolean>
}

export interface ThrottleRule {
  key: string
  limit: number
  windowSeconds: number
}

export interface Throttle {
  /**
   * Counts one attempt against every rule, atomically.
   * @returns `undefined` if all allow it, else the seconds until the first refusing window ends; a refused attempt
   * is not counted, so that a trickle never extends the wait
   */
  reserve(rules: readonly ThrottleRule[]): Promise<{ retryAfterSeconds: number } | undefined>
  /** Gives one attempt back: the password was right. */
  release(keys: readonly string[]): Promise<void>
  /** {@link release} and then {@link reserve}, in one step. What is given back stays given back if the other is refused. */
  exchange(
    released: readonly string[],
    rules: readonly ThrottleRule[],
  ): Promise<{ retryAfterSeconds: number } | undefined>
  clear(keys: readonly string[]): Promise<void>
}

/** One try of a password at a login, as far as later ones are judged by it. Both are keyed hashes. */
export interface Attempt {
  password: string
  login: string
  /** Where it came from, in each way that tells one person from another. */
  origins: readonly string[]
  /** `refused`: before the password could decide. */
  outcome: 'failed' | 'refused' | 'right'
}

export interface Attempts {
  /**
   * Counts an attempt and says what it and those before it come to, atomically. Only a failed one leaves something where
   * nothing was: a right password must not lie there, hashed fast, and who is refused cannot fill the store.
   * @param within milliseconds that an attempt is remembered @param most what is counted to, and kept
   * @returns `logins`: how many the password was tried at, this one included if the password is remembered at all;
   * `failures`: of this login from the origin with the most of them
   */
  note(attempt: Attempt, within: number, most: number, now: number): Promise<{ logins: number; failures: number }>
}

/** Ids of signed calls, which are accepted once. */
export interface ReplayCache {
  /** @param expiresAt epoch ms until which the id is remembered @returns false if it was accepted before */
  accept(id: string, expiresAt: number): Promise<boolean>
}

export interface BlockList {
  block(network: string, entry: { containmentId: string; until: number }): Promise<void>
  /** @returns the containment that blocks this network */
  blockedBy(network: string, now: number): Promise<{ containmentId: string; until: number } | undefined>
  /** Lifts the block if it is still this containment's. */
  unblock(network: string, containmentId: string): Promise<boolean>
}

/** A session that was opened with a password, or with a password and a code. */
export interface Entrance {
  sid: string
  userId: string
  /** Whether the sign-in carried a verdict, or came from a device that is new to the account. */
  odd: boolean
  /** Of the device token that was given out with it. */
  lineage?: string | undefined
  /** Whether the device came with a token of that lineage: then it is as suspect as the sign-in that began it. */
  returning?: boolean | undefined
}

/** How long it is remembered from where a session was opened. */
export const ENTRANCE_WINDOW_MS = 15 * 60_000

/** From which network sessions were opened lately by devices that the account did not know for longer, by network. */
export interface Entrances {
  /** A sign-in failed: an attack from there may have begun. */
  failed(network: string, now: number): Promise<void>
  opened(network: string, entrance: Entrance, now: number): Promise<void>
  /**
   * Those that somebody may have opened who tries passwords there: odd, or opened since the first failure. Of a device that
   * came with a token, only if the token was given out with one of these.
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
  /** Of the password that was given: the session that the code opens has them too. */
  risk?: readonly Risk[] | undefined
}
/** Password-only half sessions, by the token's hash. */
export interface PendingMfas {
  create(token: string, pending: PendingMfa, ttlSeconds: number): Promise<void>
  /** Counts one try, atomically. @returns undefined if unknown or over */
  attempt(token: string): Promise<{ pending: PendingMfa; attempts: number } | undefined>
  /** @returns true for exactly one caller */
  consume(token: string): Promise<boolean>
}

/** How many different subjects have been contained lately under one name: a detection, or its share for new accounts. */
export interface ContainmentCap {
  /**
   * The first `perSource` distinct subjects of a source within `windowMs` count for everybody, and are admitted while fewer
   * than `subjects` do. Those beyond are admitted while fewer than `subjects` have been admitted in all, and count for
   * nobody else: one source may use what is free, and takes no other's place. A subject that has been admitted is
   * admitted again.
   */
  admit(
    name: string,
    counted: { subject: string; source: string },
    limits: { subjects: number; perSource: number; windowMs: number },
    now: number,
  ): Promise<boolean>
}

export interface Lease {
  /** Greater than that of every holder before: what a late holder still writes can be told from what its successor wrote. */
  fence: number
  /** Holds it for as long again from now. @returns false if it has ended, or somebody else has it */
  renew(): Promise<boolean>
  /** Gives it back, unless it has ended and somebody else has it. */
  release(): Promise<void>
}

export interface Leases {
  /** @returns undefined while another holder has it */
  acquire(name: string, ttlMs: number): Promise<Lease | undefined>
}

// ---- Azure Tables: what is remembered ----

export type LedgerState = 'active' | 'ended' | 'expired' | 'revoked'
export interface LedgerSession {
  userId: string
  /** Kept because the sid is public by design: it names a session and opens nothing. */
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
  /** By the sid alone: what an alert names. */
  locate(sid: string): Promise<LedgerSession | undefined>
  listByUser(userId: string): Promise<LedgerSession[]>
  /** Closes an active row; one that is closed already stays as it is. @returns whether it was active */
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
  /** Open rows, oldest first, a bounded number a page. @param after `next` of the page at which an earlier reading stopped */
  openPages(after?: string): AsyncIterable<OpenPage>
  /**
   * Sessions that were issued since and were ended before their time, page by page. One that is being closed in this moment
   * may be missing: its own row says so first.
   */
  endedPages(issuedSince: Date): AsyncIterable<EndedSession[]>
  /** Closes as expired open rows. @returns how many were still active */
  expire(sessions: readonly OpenSession[], at: Date): Promise<number>
  /** How far the sweeper has come with the open rows. */
  progress(): Promise<SweepProgress | undefined>
  /** @returns false if somebody with a later fence has kept theirs */
  keepProgress(progress: SweepProgress): Promise<boolean>
  /** Removes sessions that were issued before, oldest first, at most so many. @returns how many it removed */
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
  /** Of the last row: where the next page begins. */
  next: string
}
export interface SweepProgress {
  /** Of the lease under which it was kept. */
  fence: number
  /** When this pass over all open rows began, and how many it has seen. */
  startedAt: Date
  seen: number
  /** `next` of the last page that is done with; undefined when the pass is over. */
  after?: string | undefined
}

export interface KnownDevice {
  /** When the account met it. */
  since: Date
  /** Whether the account had none before. */
  isFirst: boolean
}

export interface KnownDevices {
  find(userId: string, deviceHash: string): Promise<KnownDevice | undefined>
  /** @returns the device, and whether it was remembered only now */
  remember(userId: string, deviceHash: string, now: Date): Promise<KnownDevice & { isNew: boolean }>
  /** Takes back what was remembered only now, for a sign-in that came to nothing. */
  forget(userId: string, deviceHash: string): Promise<void>
}

/** A browser or script that was given a secret of its own. */
export interface TrustedDevice extends KnownDevice {
  /** Stays the same when its token is replaced. */
  lineage: string
  /** When it got its first token. Its kind may have been known for longer. */
  givenAt: Date
}

/** Secrets that devices keep, by account and by the SHA-256 of the token's id. */
export interface DeviceTokens {
  find(userId: string, id: string, now: Date): Promise<TrustedDevice | undefined>
  /** Whether the account has ever issued one. From then on only tokens make a device known. */
  hasIssued(userId: string): Promise<boolean>
  /**
   * Keeps a token's id. Of more than `MAX_DEVICES` of an account one goes: a replaced one first, then one that never came
   * back, then the one that was used longest ago.
   * @param replaces the id that was presented, which is not the one to go
   * @returns whether the account had never given one out
   */
  issue(userId: string, id: string, device: TrustedDevice, now: Date, replaces?: string): Promise<{ isFirst: boolean }>
  /** A replaced id stays good for a few minutes more, because answers get lost; never longer than it was. */
  retire(userId: string, id: string, now: Date): Promise<void>
  /** Takes back what was issued only now, for a sign-in that came to nothing. @param issued what `issue` returned */
  withdraw(userId: string, id: string, issued: { isFirst: boolean }): Promise<void>
  /** Of one device, whichever of its ids. */
  revokeLineage(userId: string, lineage: string): Promise<void>
  /** @param except the id of the device that goes on */
  revokeAll(userId: string, except?: string): Promise<void>
}

/** Where an account was used last, as far as travel is judged by it. */
export interface LastPlace {
  /** degrees, as coarse as the domain makes them */
  latitude: number
  longitude: number
  at: Date
  /** Of the first sign-in from a known place, and how many there have been. */
  since: Date
  logins: number
}

export interface LastPlaces {
  /**
   * Replaces a user's last place by what `revise` makes of it; undefined leaves it as it is. Asks again when another
   * sign-in was faster, so that each is judged by the one before it.
   */
  revise(userId: string, revise: (before: LastPlace | undefined) => LastPlace | undefined): Promise<void>
}

export type ContainmentState =
  | 'pending' // claimed, to be carried out: whoever claimed it does, or the sweeper
  | 'done'
  | 'held' // the cap, policy or its age stopped it: an operator decides
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
  // closed: the effect ran out, the alert may still be open
  | 'expired'
  // closed: another row of the same alert goes on, the pull's or the webhook's
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
  /** The subject in one spelling: `@sid:…`, `@network:…`, `@usr.id:…`; `*` of an alert without groups. */
  scope: string
  action: 'revoke' | 'revoke_user' | 'block_ip' | 'notify'
  state: ContainmentState
  result?: 'success' | 'noop' | undefined
  reason?: ContainmentReason | undefined
  via?: 'web' | 'direct' | undefined
  /** Who decided about it last, and why: a person who approved it, tried it again or took it back. */
  operator?: string | undefined
  why?: string | undefined
  userId?: string | undefined
  alertId: string
  /** The alert's own date, and ours. */
  alertedAt: Date
  createdAt: Date
  updatedAt: Date
  /** From when a block counts, if a reminder or an operator renewed it. */
  renewedAt?: Date | undefined
  /** When the effect runs out by itself (a block). */
  expiresAt?: Date | undefined
  /** How many attempts have begun. The number is the fence: an attempt that is not the last one changes nothing. */
  attempts: number
  /** Of the attempt that began last. */
  holder?: string | undefined
  /** No attempt begins before: until then the one under way has its time, or the next one waits. */
  nextAt: Date
  /** The cap let it through; asked once. */
  admitted?: boolean | undefined
  /** The alert recovered before the containment was carried out. */
  recovered?: boolean | undefined
  /** An operator approved it: neither its age nor its recovery holds it any more. */
  approved?: boolean | undefined
  /** It lacks something without which nobody can say what is to be done: a hand, a backup or another release wrote it. */
  unreadable?: true | undefined
  /** The event that the row owes. Whoever moves the row on emits it first. */
  announce?: Announcement | undefined
}

/** What an event says beyond its row. A row that is announced twice has the same `requestId` both times. */
export interface Announcement {
  outcome: 'success' | 'noop' | 'refused' | 'fail' | 'undone'
  requestId: string
  reason?: Exclude<ContainmentReason, 'duplicate'> | undefined
  sessionsEnded?: number | undefined
}

export interface ContainmentLedger {
  /** Insert-only claim. @returns false if there is a row of that (detection, cycle, scope) already */
  claim(containment: Containment): Promise<boolean>
  find(detection: string, id: string): Promise<Containment | undefined>
  /**
   * Moves a row on in one step: `step` judges the row as it stands, and again whenever somebody else was faster.
   * @param step pure; undefined leaves the row as it is
   * @returns the row as it was written; undefined if `step` refused it, or if there is none
   */
  revise(
    detection: string,
    id: string,
    step: (row: Containment) => Containment | undefined,
  ): Promise<Containment | undefined>
  /**
   * Rows with which something is left to do (`isOpen`), oldest first, at most 100 a page. Rows that were just claimed or
   * closed may be missing or too many: judge each.
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
   * Finds rows that {@link openPages} misses, because an older release or a hand wrote them, and adds them to it. Looks
   * at a bounded number of rows. @param from where the call before ended @returns where to go on; undefined at the end
   */
  reindex(now: Date, from?: string): Promise<string | undefined>
  /** Removes rows that were last touched before and are not `pending`, at most so many. @returns how many it removed */
  purge(before: Date, atMost: number): Promise<number>
}
