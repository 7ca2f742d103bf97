import type { IncomingHttpHeaders } from 'node:http'
import type { Flavour } from './flavour.ts'
import type { RecordedCall } from './recording.ts'

export interface EdgeOptions {
  readonly flavour: Flavour
  /** Preferred port of both loopback addresses; a free one is used if it is taken. */
  readonly port?: number
  /** The app's current port, which may change with a restart. */
  readonly target: () => number
  /** Origins besides those of loopback whose pages may call. */
  readonly origins?: readonly string[]
  /** Called with each router line, for flavours that write one. */
  readonly onRouterLine?: (line: string) => void
  /** Called with the headers of each request that is passed on. */
  readonly onRequest?: (headers: IncomingHttpHeaders) => void
  /** Time-out for the first byte of the answer, instead of the flavour's. */
  readonly timeoutMs?: number
  /** Records the POST requests of one path, with their answers. */
  readonly record?: { readonly path: string; readonly done: (call: RecordedCall) => void }
}
