/** An evasion that takes longer than anybody waits for `npm run verify`, and the test that plays it by a clock of its own. */
export interface PlayedByTest {
  /** What the test's `describe` begins with. */
  readonly slug: string
  readonly title: string
  /** Slug of the detection whose containment ends it. */
  readonly trips: string
  readonly test: string
}

const ONE_CLOCK = 'test/evasions.test.ts'

/** Requests, monitors and containments are the real ones there too. */
export const playedByTests: readonly PlayedByTest[] = [
  {
    slug: 'idle-minute',
    title: 'Stolen session, used in the last minute before it ends by itself',
    trips: 'session-reuse',
    test: ONE_CLOCK,
  },
  {
    slug: 'resumed-spraying',
    title: 'Password spraying that goes on after each block',
    trips: 'password-spraying',
    test: ONE_CLOCK,
  },
  {
    slug: 'block-outlasting',
    title: 'Credential stuffing that keeps its alert alive and waits for the end of the block',
    trips: 'credential-stuffing',
    test: ONE_CLOCK,
  },
]
