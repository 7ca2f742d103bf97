/** One attempt with a password at a login, as later attempts are judged by it. Both are keyed hashes. */
export interface Attempt {
  password: string
  login: string
  /** The origins of the attempt: values that distinguish one person from another. */
  origins: readonly string[]
  /** `refused`: the attempt was refused before the password was checked. */
  outcome: 'failed' | 'refused' | 'right'
}

export interface Attempts {
  /**
   * Counts an attempt and reports the totals, in one step. Only a failed attempt creates an entry: a right password
   * must not be stored under a fast hash, and refused attempts must not fill the store.
   * @param within how long an attempt counts, in milliseconds
   * @param most the largest count, and the most entries kept
   * @returns `logins`: at how many logins the password was tried, this one included if the password has an entry;
   * `failures`: of this login, from the origin with the most failures
   */
  note(attempt: Attempt, within: number, most: number, now: number): Promise<{ logins: number; failures: number }>
}
