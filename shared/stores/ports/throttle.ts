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
