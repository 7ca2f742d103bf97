/** An evasion that takes hours, and the test that plays it with a virtual clock instead of `npm run verify`. */
export interface PlayedByTest {
  /** The beginning of the test's `describe`. */
  readonly slug: string
  readonly title: string
  /** Slug of the detection whose containment ends it. */
  readonly trips: string
  readonly test: string
}

const VIRTUAL_CLOCK_TEST = 'test/evasions.test.ts'

/** These tests use real requests, monitors and containments too. */
export const playedByTests: readonly PlayedByTest[] = [
  {
    slug: 'idle-minute',
    title: 'Stolen session, used in the last minute before it expires',
    trips: 'session-reuse',
    test: VIRTUAL_CLOCK_TEST,
  },
  {
    slug: 'resumed-spraying',
    title: 'Password spraying that continues after each block',
    trips: 'password-spraying',
    test: VIRTUAL_CLOCK_TEST,
  },
  {
    slug: 'block-outlasting',
    title: 'Credential stuffing that keeps its alert alive and waits for the end of the block',
    trips: 'credential-stuffing',
    test: VIRTUAL_CLOCK_TEST,
  },
]
