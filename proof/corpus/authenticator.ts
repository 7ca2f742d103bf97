import { generate } from 'otplib'

/** How long a code is the current one. @see RFC 6238 */
export const CODE_MS = 30_000

/** The app on somebody's phone that shows codes for the account. */
export class Authenticator {
  /** The step of the newest code that was accepted. */
  usedStep = 0
  readonly #secret: string

  constructor(secret: string) {
    this.#secret = secret
  }

  codeOf(step: number): Promise<string> {
    return generate({ secret: this.#secret, epoch: (step * CODE_MS) / 1000 })
  }
}

/** @param now epoch ms */
export const stepAt = (now: number): number => Math.floor(now / CODE_MS)
