/** The last place of an account, as far as travel is judged by it. */
export interface LastPlace {
  /** degrees, rounded by the domain */
  latitude: number
  longitude: number
  at: Date
  /** The time of the first sign-in from a known place, and the number of sign-ins since. */
  since: Date
  logins: number
}

export interface LastPlaces {
  /**
   * Replaces the last place of a user with the result of `revise`; undefined leaves it unchanged. Calls `revise`
   * again after a concurrent change, so that each sign-in is judged by the one before it.
   */
  revise(userId: string, revise: (before: LastPlace | undefined) => LastPlace | undefined): Promise<void>
}
