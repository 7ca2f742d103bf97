import type { Risk } from '../../event.ts'

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
