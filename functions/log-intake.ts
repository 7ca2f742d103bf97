import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Secret } from '../shared/secret.ts'

export interface LogIntakeOptions {
  /** e.g. `https://http-intake.logs.datadoghq.eu/api/v2/logs` */
  readonly url: string
  readonly apiKey: Secret
  readonly service: string
  readonly env: string
  /** From the first waiting line to its request, unless somebody hurries. */
  readonly flushMs?: number
  /** Before each further attempt; as many attempts as entries, plus the first. */
  readonly retryDelaysMs?: readonly number[]
  readonly timeoutMs?: number
  readonly queueLines?: number
  readonly queueBytes?: number
  readonly closeWithinMs?: number
  /** Told of lines that will not arrive; at most once in `reportMs`, and at the end. */
  readonly lost: (lines: number, reason: string) => void
  readonly reportMs?: number
}

/**
 * Carries log lines to Datadog's HTTP intake from inside the process. Nothing here blocks, throws or fails a request: a line
 * that cannot be kept or delivered is counted, and stdout, the log of record, has it anyway.
 */
export interface LogIntake {
  write(line: string): void
  /** Sends what waits now: for events that must not wait for the interval. */
  hurry(): void
  /** Resolves when what waits has left or is given up, within `closeWithinMs`; later lines go nowhere. */
  close(): Promise<void>
}

// The intake's own limits: datadog-api-client-go, v2 SubmitLog. The margin is for brackets and commas.
const BATCH_LINES = 1000
const BATCH_BYTES = 5_000_000 - BATCH_LINES - 1
const compress = promisify(gzip)

interface Entry {
  readonly text: string
  readonly bytes: number
}

export function openLogIntake(options: LogIntakeOptions): LogIntake {
  const { url, apiKey, service, env, lost } = options
  const { flushMs = 2000, retryDelaysMs = [500, 1000, 2000], timeoutMs = 10_000, closeWithinMs = 2000 } = options
  const { queueLines = 10_000, queueBytes = 16_000_000, reportMs = 10_000 } = options
  const envelope = { ddsource: 'azure', ddtags: `env:${env}`, service, hostname: 'functions' }
  const stop = new AbortController()
  const waiting: Entry[] = []
  let waitingBytes = 0
  let closed = false
  let running: Promise<void> | undefined
  let sending: AbortController | undefined
  let timer: NodeJS.Timeout | undefined
  const report = lossReport(lost, reportMs)

  function write(line: string): void {
    if (closed) return
    const text = JSON.stringify({ message: line.trimEnd(), ...envelope })
    const entry = { text, bytes: Buffer.byteLength(text) }
    waiting.push(entry)
    waitingBytes += entry.bytes
    let displaced = 0
    for (; waiting.length > queueLines || waitingBytes > queueBytes; displaced++) {
      waitingBytes -= waiting.shift()?.bytes ?? 0
    }
    if (displaced > 0) report.add(displaced, 'the queue is full')
    if (waiting.length >= BATCH_LINES || waitingBytes >= BATCH_BYTES) hurry()
    // A timer must not keep an instance alive that has nothing else to do.
    else if (!running) timer ??= setTimeout(() => void run(), flushMs).unref()
  }

  function hurry(): void {
    if (running || waiting.length === 0) return
    clearTimeout(timer)
    // After this turn of the loop: what one request logs in one go leaves in one go.
    timer = setTimeout(() => void run(), 0).unref()
  }

  function run(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    if (waiting.length > 0) running ??= drain()
    return running ?? Promise.resolve()
  }

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = take()
      const reason = await deliver(batch).catch((error: Error) => error.message)
      if (reason !== undefined) report.add(batch.length, reason)
    }
    // In the same turn in which nothing was left: a line that comes next finds nobody running, and sets its own timer.
    running = undefined
  }

  function take(): Entry[] {
    let lines = 0
    let bytes = 0
    for (const entry of waiting) {
      if (lines > 0 && (lines === BATCH_LINES || bytes + entry.bytes > BATCH_BYTES)) break
      bytes += entry.bytes
      lines++
    }
    waitingBytes -= bytes
    return waiting.splice(0, lines)
  }

  /** @returns why it was given up; undefined when it has arrived */
  async function deliver(batch: readonly Entry[]): Promise<string | undefined> {
    const body = await compress(`[${batch.map(({ text }) => text).join(',')}]`)
    for (let attempt = 0; ; attempt++) {
      if (stop.signal.aborted) return 'the process ends'
      const { kind, reason } = await send(body)
      const delayMs = retryDelaysMs[attempt]
      if (kind === 'arrived') return undefined
      if (kind === 'refused' || delayMs === undefined) return reason
      await delay(delayMs, undefined, { signal: stop.signal, ref: false }).catch(() => {})
    }
  }

  async function send(body: Buffer): Promise<{ kind: 'arrived' | 'refused' | 'failed'; reason: string }> {
    const headers = {
      'Content-Type': 'application/json',
      'Content-Encoding': 'gzip',
      'DD-API-KEY': apiKey.reveal(),
    }
    const attempt = new AbortController()
    const timeout = setTimeout(() => attempt.abort(), timeoutMs)
    sending = attempt
    try {
      const request = { method: 'POST', headers, body: new Uint8Array(body), redirect: 'error' } as const
      const { ok, status, body: answer } = await fetch(url, { ...request, signal: attempt.signal })
      await answer?.cancel()
      if (ok) return { kind: 'arrived', reason: '' }
      const mayHelp = status === 408 || status === 429 || status >= 500
      return { kind: mayHelp ? 'failed' : 'refused', reason: `the intake answered ${status}` }
    } catch {
      return { kind: 'failed', reason: stop.signal.aborted ? 'the process ends' : 'the intake did not answer' }
    } finally {
      clearTimeout(timeout)
    }
  }

  async function close(): Promise<void> {
    if (closed) return
    closed = true
    const deadline = setTimeout(() => {
      stop.abort()
      sending?.abort()
    }, closeWithinMs)
    await run()
    clearTimeout(deadline)
    report.close()
  }

  return { write, hurry, close }
}

/** Sums up losses: an intake that is down must not fill stdout with the news of it. */
function lossReport(lost: LogIntakeOptions['lost'], reportMs: number) {
  const counts = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  const tell = () => {
    timer = undefined
    for (const [reason, lines] of counts) lost(lines, reason)
    counts.clear()
  }
  return {
    add(lines: number, reason: string) {
      counts.set(reason, (counts.get(reason) ?? 0) + lines)
      timer ??= setTimeout(tell, reportMs).unref()
    },
    close() {
      clearTimeout(timer)
      tell()
    },
  }
}
