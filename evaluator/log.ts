/** A log as Datadog indexes it, after intake: reserved attributes beside the JSON ones. */
export interface Log {
  message?: string
  service?: string
  host?: string
  status?: string
  source?: string
  tags?: string[]
  attributes: Record<string, unknown>
}

/** A log that has arrived. */
export interface IndexedLog extends Log {
  id: string
  /** The log's own date, epoch ms: monitors evaluate on it, never on arrival. */
  timestamp: number
}
