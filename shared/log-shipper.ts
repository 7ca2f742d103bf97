import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { Outbox, pause } from './outbox.ts'
import type { Secret } from './secret.ts'

export interface LogShipperOptions {
  /** e.g. `https://http-intake.logs.datadoghq.eu/api/v2/logs` */
  readonly url: string
  readonly apiKey: Secret
  readonly service: string
  /** `k:v,k2:v2` */
  readonly ddtags: string
  readonly hostname: string
  /** Whether to compress requests. Compression is not worth its time if the intake is on the same machine. */
  readonly compress: boolean
  /** Time from the first waiting line to its request, at the latest. */
  readonly flushMs: number
  /** Pause before each retry. There is one attempt more than entries. */
  readonly retryDelaysMs: readonly number[]
  readonly timeoutMs?: number
  readonly queueLines?: number
  readonly queueBytes?: number
  readonly closeWithinMs?: number
  /** Receives the number of lost lines and the reason. */
  lost(lines: number, reason: string): void
}

// The intake's own limits: datadog-api-client-go, v2 SubmitLog. The margin is for brackets and commas.
const BATCH_LINES = 1000
const BATCH_BYTES = 5_000_000 - BATCH_LINES - 1
const compressed = promisify(gzip)
const ENDS = 'the process ends'

/**
 * Sends log lines to the HTTP intake of Datadog as the log forwarding of Azure does: JSON arrays of at most 1000
 * entries and 5 MB, in order, one request at a time. It retries after 408, 429, 5xx and a missing answer; any other
 * refusal is final. Nothing here blocks or throws: a line that cannot be kept or delivered is reported as lost.
 */
export class LogShipper {
  readonly #options: LogShipperOptions
  readonly #envelope: Readonly<Record<string, string>>
  readonly #outbox: Outbox

  constructor(options: LogShipperOptions) {
    const { service, ddtags, hostname, flushMs, lost } = options
    const { queueLines = 10_000, queueBytes = 16_000_000, closeWithinMs = 2000 } = options
    this.#options = options
    this.#envelope = { ddsource: 'azure', ddtags, service, hostname }
    this.#outbox = new Outbox({
      queueItems: queueLines,
      queueBytes,
      batchItems: BATCH_LINES,
      batchBytes: BATCH_BYTES,
      flushMs,
      closeWithinMs,
      displaced: (lines) => lost(lines, 'the queue is full'),
      deliver: async (batch, signal) => {
        const reason = await this.#deliver(batch, signal).catch((error: Error) => error.message)
        if (reason !== undefined) lost(batch.length, reason)
      },
    })
  }

  write(line: string): void {
    const message = line.endsWith('\n') ? line.slice(0, -1) : line
    this.#outbox.push(Buffer.from(JSON.stringify({ message, ...this.#envelope })))
  }

  /** Sends the waiting lines now, for events that must not wait for the interval. */
  hurry(): void {
    this.#outbox.hurry()
  }

  /** Resolves when every line written so far is delivered or lost. */
  flush(): Promise<void> {
    return this.#outbox.flush()
  }

  /** Resolves when the waiting lines are delivered or lost, within `closeWithinMs`. Later lines are ignored. */
  close(): Promise<void> {
    return this.#outbox.close()
  }

  /** @returns why the batch was given up; undefined once it has arrived */
  async #deliver(batch: readonly Buffer[], stop: AbortSignal): Promise<string | undefined> {
    const { compress, retryDelaysMs } = this.#options
    const json = `[${batch.join(',')}]`
    const body = new Uint8Array(compress ? await compressed(json) : Buffer.from(json))
    for (let attempt = 0; ; attempt++) {
      if (stop.aborted) return ENDS
      const { kind, reason } = await this.#send(body, stop)
      const delayMs = retryDelaysMs[attempt]
      if (kind === 'arrived') return undefined
      if (kind === 'refused' || delayMs === undefined) return reason
      await pause(delayMs, stop)
    }
  }

  async #send(
    body: Uint8Array<ArrayBuffer>,
    stop: AbortSignal,
  ): Promise<{ kind: 'arrived' | 'refused' | 'failed'; reason: string }> {
    const { url, apiKey, compress, timeoutMs = 10_000 } = this.#options
    const headers = {
      'Content-Type': 'application/json',
      'DD-API-KEY': apiKey.reveal(),
      ...(compress && { 'Content-Encoding': 'gzip' }),
    }
    const attempt = new AbortController()
    const abort = () => attempt.abort()
    const timeout = setTimeout(abort, timeoutMs)
    stop.addEventListener('abort', abort)
    try {
      const request = { method: 'POST', headers, body, redirect: 'error' } as const
      const { ok, status, body: answer } = await fetch(url, { ...request, signal: attempt.signal })
      await answer?.cancel()
      if (ok) return { kind: 'arrived', reason: '' }
      const mayHelp = status === 408 || status === 429 || status >= 500
      return { kind: mayHelp ? 'failed' : 'refused', reason: `the intake answered ${status}` }
    } catch {
      return { kind: 'failed', reason: stop.aborted ? ENDS : 'the intake did not answer' }
    } finally {
      clearTimeout(timeout)
      stop.removeEventListener('abort', abort)
    }
  }
}
