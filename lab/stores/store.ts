import type { Ending } from '../processes/part.ts'
import type { LabSecrets } from '../start/secrets.ts'

/** A store that runs for the lab. */
export interface RunningStore {
  readonly name: string
  /** What is behind the name, for a person: a version, or which of two implementations. */
  readonly detail: string
  /** What a client connects with; holds a password or key where there is one. */
  readonly connection: string
  readonly pid: number
  /** Every process of it, the first one included. */
  readonly pids: readonly number[]
  /** Settles when it has ended, asked or not. */
  readonly ended: Promise<Ending>
  close(): Promise<void>
}

export interface StoreOptions {
  /** The lab's directory, absolute. */
  readonly dir: string
  readonly secrets: LabSecrets
  /** Preferred TCP port; a taken one gives way to a free one. */
  readonly port?: number
  /** For a person: what was found and mended on the way. */
  readonly log: (text: string) => void
  /** Each line that the store writes. */
  readonly onLine?: (line: string) => void
}
