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
