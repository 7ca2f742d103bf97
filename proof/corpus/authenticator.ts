import { generate } from 'otplib'

/** The time step of a code. @see RFC 6238 */
export const CODE_MS = 30_000

/** The app on a person's phone that shows the codes of the account. */
export class Authenticator {
  /** The step of the last accepted code. */
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
