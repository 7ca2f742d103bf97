import { setTimeout as delay } from 'node:timers/promises'
import { generate } from 'otplib'

/** An authenticator app that shows codes for one account. */
export interface Authenticator {
  /** @param wrongBySeconds by how much the phone's clock is ahead */
  shown(wrongBySeconds?: number): Promise<string>
  /**
   * An unused code that the service accepts now. The service also accepts the codes of the previous and the next step, so
   * three codes in a row need no wait; a fourth waits for the next step.
   */
  next(): Promise<string>
}

/** @see RFC 6238 4.1 */
const STEP_MS = 30_000
/** The time in which a code of the previous step can still be entered. */
const TYPED_WITHIN_MS = 10_000

/** @param secret in the form that the page shows */
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
