import type { Ending } from '../processes/part.ts'
import type { LabSecrets } from '../start/secrets.ts'

/** A running store of the lab. */
export interface RunningStore {
  readonly name: string
  /** The version or the implementation, for a person. */
  readonly detail: string
  /** The connection string, with its password or key. */
  readonly connection: string
  readonly pid: number
  /** All its processes. */
  readonly pids: readonly number[]
  /** Whether the next start of the lab finds its data. */
  readonly durable: boolean
  /** Settles when it has ended. */
  readonly ended: Promise<Ending>
  close(): Promise<void>
}

export interface StoreOptions {
  /** The lab's directory, absolute. */
  readonly dir: string
  readonly secrets: LabSecrets
  /** Preferred TCP port; a free one is used if it is taken. */
  readonly port?: number
  /** Called with messages for a person. */
  readonly log: (text: string) => void
  /** Called with each line that the store writes. */
  readonly onLine?: (line: string) => void
}
