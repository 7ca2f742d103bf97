import { setTimeout as delay } from 'node:timers/promises'
import { generate } from 'otplib'

/** The app on somebody's phone that shows codes for one account. */
export interface Authenticator {
  /** @param wrongBySeconds how far the phone's clock is ahead */
  shown(wrongBySeconds?: number): Promise<string>
  /**
   * A code that was not given before, and that the service takes now: it takes those of the step before and of the one to
   * come as well, so that three in a row need no waiting. After that the clock has to go on.
   */
  next(): Promise<string>
}

/** @see RFC 6238 4.1 */
const STEP_MS = 30_000
/** A code that has just gone out is given only while there is this much time left to type it. */
const TYPED_WITHIN_MS = 10_000

/** @param secret as the page shows it */
export function createAuthenticator(
  secret: string,
  signal: AbortSignal,
  now: () => number = () => Date.now(),
): Authenticator {
  let last = 0
  const stepAt = (ms: number) => Math.floor(ms / STEP_MS)
  const codeOf = (step: number) => generate({ secret, epoch: (step * STEP_MS) / 1000 })
  return {
    shown: (wrongBySeconds = 0) => codeOf(stepAt(now() + wrongBySeconds * 1000)),
    async next() {
      last = Math.max(last + 1, stepAt(now() + TYPED_WITHIN_MS) - 1)
      while (stepAt(now()) < last - 1) await delay((last - 1) * STEP_MS - now(), undefined, { signal })
      return codeOf(last)
    },
  }
}
