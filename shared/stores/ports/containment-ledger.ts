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
  /** `observed`: nothing was done, because this detection only observes. */
  result?: 'success' | 'noop' | 'observed' | undefined
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
  outcome: 'success' | 'noop' | 'observed' | 'refused' | 'fail' | 'undone'
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
