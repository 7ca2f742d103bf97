import type { Flavour } from './flavour.ts'

export interface EdgeOptions {
  readonly flavour: Flavour
  /** Preferred port of both loopback addresses; a taken one gives way to a free one. */
  readonly port?: number
  /** Where the app listens now: it may come back on another port after a restart. */
  readonly target: () => number
  /** Origins, beside loopback's, whose pages may call. */
  readonly origins?: readonly string[]
  /** Each router line, for flavours that write one. */
  readonly onRouterLine?: (line: string) => void
  /** Instead of the flavour's own: to the first byte of the answer. */
  readonly timeoutMs?: number
}
