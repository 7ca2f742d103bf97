import type { KnownDevice } from './known-devices.ts'

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
  /** Whether a token of the account was ever confirmed. From then on only tokens identify a known device. */
  hasIssued(userId: string): Promise<boolean>
  /**
   * Stores the id of a token. Beyond `MAX_DEVICES` per account one token is removed: first a replaced one, then one
   * that was never used again, then the one unused for longest.
   * @param replaces the presented id, which is not removed
   */
  issue(userId: string, id: string, device: TrustedDevice, now: Date, replaces?: string): Promise<void>
  /** Records for {@link hasIssued} that the account gives a token to a device. Called before the device receives it. */
  confirm(userId: string): Promise<void>
  /** Keeps a replaced id valid for a few minutes, because answers get lost, but never longer than before. */
  retire(userId: string, id: string, now: Date): Promise<void>
  /** Removes a token that no device received, because the sign-in failed or has a verdict. */
  withdraw(userId: string, id: string): Promise<void>
  /** Revokes the tokens of one device, whichever id it has. */
  revokeLineage(userId: string, lineage: string): Promise<void>
  /** @param except the id of the device that stays */
  revokeAll(userId: string, except?: string): Promise<void>
}
