import { inspect } from 'node:util'

const REDACTED = '[redacted]'

/** A key or password that prints as `[redacted]` wherever it is logged, thrown or serialised. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The plain value. Call it only where a signature, a hash or a connection is made. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [inspect.custom](): string {
    return REDACTED
  }
}
