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
