import type { Revocation, RevocationReason } from './revocation.ts'

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

/** The device that changed an account. Its text comes from a closed list of families, its address from our platform. */
export interface Origin {
  device: string
  ip: string
}

/** A change of an account, from its audit row. */
export interface AccountChange {
  at: Date
  action:
    | 'registered'
    | 'password_changed'
    | 'totp_enabled'
    | 'totp_disabled'
    /** A containment ended every session. */
    | 'sessions_revoked'
    /** The owner ended every other session. */
    | 'sessions_ended'
  containmentId?: string | undefined
  /** Absent in older rows, and for a change that no request of the account made. */
  by?: Origin | undefined
}

export interface RevokedUser extends Revocation {
  id: string
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
    by?: Origin,
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
    by?: Origin,
  ): Promise<number | undefined>
  /**
   * Disables the factor, if the epoch is that of the asking session, and raises the epoch.
   * @returns the epoch afterwards
   */
  disableTotp(id: string, epoch: number, now: Date, by?: Origin): Promise<number | undefined>
  /**
   * Raises the epoch because the owner ends every other session, if it is that of the asking session.
   * @returns the epoch afterwards
   */
  endSessions(id: string, epoch: number, now: Date, by?: Origin): Promise<number | undefined>
  /** The changes of an account at or after `since`, newest first, at most `limit`. An offered factor is no change. */
  listChanges(id: string, since: Date, limit: number): Promise<AccountChange[]>
  /** Removes at most `atMost` audit rows older than `before`, oldest first. @returns how many it removed */
  purgeAudit(before: Date, atMost: number): Promise<number>
  /** Accepts a time step once: true only for the first caller, with a step above the last one. @see RFC 6238 5.2 */
  acceptTotpStep(id: string, step: number): Promise<boolean>
  /** Makes the step that was accepted last acceptable again; the steps before it are not. */
  releaseTotpStep(id: string, step: number): Promise<void>
}
