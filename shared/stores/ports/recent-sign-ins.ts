/** A session that was opened with a password, with or without a code. */
export interface RecentSignIn {
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
export const SIGN_IN_WINDOW_MS = 15 * 60_000

/** Recent sign-ins per network, by devices that the account had not known for long. */
export interface RecentSignIns {
  /** Records a failed sign-in: an attack from the network may have begun. */
  failed(network: string, now: number): Promise<void>
  opened(network: string, signIn: RecentSignIn, now: number): Promise<void>
  /**
   * The sessions that an attacker in the network may have opened: odd ones, and those since the first failure. A
   * session of a device that presented a token counts only if the token was issued with one of these.
   */
  suspects(network: string, now: number): Promise<RecentSignIn[]>
}
