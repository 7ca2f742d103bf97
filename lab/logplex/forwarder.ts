import http from 'node:http'
import { type PostOutcome, post } from '../datadog/post.ts'
import { Outbox, pause } from './outbox.ts'

export interface ForwarderOptions {
  /** The intake, e.g. `http://127.0.0.1:8126/api/v2/logs`. */
  url: string
  apiKey: string
  service: string
  /** `k:v,k2:v2` */
  ddtags: string
  hostname: string
  /** From the first waiting line to its POST; minutes on Azure. */
  flushMs?: number
  /** Before each further attempt, in ms; as many attempts as entries, plus the first. */
  retryDelaysMs?: readonly number[]
  /** Told of what does not get through. */
  log?: (line: string) => void
}

/** What carries the functions' stdout to the log intake, as Azure's log forwarding does. */
export interface Forwarder {
  line(text: string): void
  /** Resolves when every line handed in so far is delivered or given up. */
  flush(): Promise<void>
  /** Delivers what it can within two seconds; lines after that go nowhere. */
  close(): Promise<void>
}

// The intake's own limits: datadog-api-client-go, v2 SubmitLog. The margin is for brackets and commas.
const BATCH_ENTRIES = 1000
const BATCH_BYTES = 5_000_000 - BATCH_ENTRIES - 1
const BUFFER_ENTRIES = 20_000
const REQUEST_TIMEOUT_MS = 5000
const RETRY_SPACING_IN_THE_LAB_MS = [100, 200, 400, 800]

/**
 * Opens a forwarder: JSON arrays of at most 1000 entries and 5 MB, in order, one request at a time; 408, 429, 5xx and
 * lost connections are retried, every other refusal is final. A full buffer displaces its oldest line, and says so.
 */
export function createForwarder(options: ForwarderOptions): Forwarder {
  const { url, flushMs = 20, retryDelaysMs = RETRY_SPACING_IN_THE_LAB_MS, log = () => {} } = options
  const envelope = {
    ddsource: 'azure',
    service: options.service,
    ddtags: options.ddtags,
    hostname: options.hostname,
  }
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const outbox = new Outbox({
    capacity: BUFFER_ENTRIES,
    displaced: () => log(`forwarder: the buffer of ${BUFFER_ENTRIES} lines is full, its oldest line is lost`),
    maxItems: BATCH_ENTRIES,
    maxBytes: BATCH_BYTES,
    flushMs,
    deliver,
  })

  async function deliver(entries: Buffer[], signal: AbortSignal): Promise<void> {
    const body = `[${entries.join(',')}]`
    for (let attempt = 0; ; attempt++) {
      const outcome = await post({
        url,
        body,
        agent,
        signal,
        timeoutMs: REQUEST_TIMEOUT_MS,
        headers: { 'Content-Type': 'application/json', 'DD-API-KEY': options.apiKey },
      })
      if (outcome.kind === 'answered' && outcome.status >= 200 && outcome.status < 300) return
      const delayMs = retryDelaysMs[attempt]
      if (delayMs === undefined || !worthRetrying(outcome) || signal.aborted) {
        log(`forwarder: ${entries.length} lines lost after attempt ${attempt + 1}: ${describe(outcome)}`)
        return
      }
      await pause(delayMs, signal)
    }
  }

  return {
    line: (text) => outbox.push(Buffer.from(JSON.stringify({ message: text, ...envelope }))),
    flush: () => outbox.flush(),
    async close() {
      await outbox.close()
      agent.destroy()
    },
  }
}

function worthRetrying(outcome: PostOutcome): boolean {
  if (outcome.kind !== 'answered') return outcome.kind === 'lost'
  return outcome.status === 408 || outcome.status === 429 || outcome.status >= 500
}

const describe = (outcome: PostOutcome): string =>
  outcome.kind === 'answered' ? `answered ${outcome.status} ${outcome.body}` : outcome.reason
