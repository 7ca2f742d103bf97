import type { RevocationReason } from './revocation.ts'

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
  /** The session that this one continues under a new sid, and for what; both are absent for a sign-in. */
  continues?: string | undefined
  begunBy?: 'reauthentication' | 'password_change' | undefined
}

/** The sessions of a user that were issued lately, in no order. */
export interface RecentSessions {
  sessions: LedgerSession[]
  /** False if there are more than one call reads. */
  complete: boolean
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

export interface SessionLedger {
  /** @throws if the row cannot be written: no row, no session */
  open(session: LedgerSession): Promise<void>
  find(userId: string, sid: string): Promise<LedgerSession | undefined>
  /** Finds a session by its sid alone, which is what an alert names. */
  locate(sid: string): Promise<LedgerSession | undefined>
  listByUser(userId: string): Promise<LedgerSession[]>
  /** Sessions of a user that were issued at or after `since`. Reads a limited number of rows. */
  listRecent(userId: string, since: Date): Promise<RecentSessions>
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
