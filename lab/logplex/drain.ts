import { randomBytes, randomUUID } from 'node:crypto'
import http from 'node:http'
import { frameLine, frameLoss, PRI, splitLine } from 'alertproof/intake'
import { Outbox, pause } from '../../shared/outbox.ts'
import { type PostOutcome, post } from '../datadog/post.ts'

export interface DrainOptions {
  /** The drain URL as `heroku drains:add` takes it: query and user part included. */
  url: string
  /** APPNAME of the app's own lines; Heroku says `app` for every dyno. */
  appname?: string
  /** `d.<uuid>`, the same for the life of a drain. */
  token?: string
  /** From the first waiting line to its POST. */
  flushMs?: number
  /** Between two attempts; Logplex waits a second, the lab does not. */
  retryDelayMs?: number
  /** Epoch ms. */
  now?: () => number
  /** Told of what does not get through. */
  log?: (line: string) => void
}

/** What stands between an app's stdout and its log drain on Heroku. */
export interface Drain {
  app(line: string, procid?: string): void
  router(line: string): void
  /** Resolves when every line handed in so far is delivered or given up. */
  flush(): Promise<void>
  /** Delivers what it can within two seconds; lines after that go nowhere. */
  close(): Promise<void>
}

// heroku/logplex, logplex_http_drain.erl and its defaults.
const BATCH_BYTES = 100 * 1024
const BUFFER_MESSAGES = 1024
const ATTEMPTS = 3
const REQUEST_TIMEOUT_MS = 5000
const CLOSE_WITHIN_MS = 2000

/**
 * Opens a drain that frames, batches and delivers as Logplex does: one request at a time; 2xx is done, a 4xx other than
 * 429 drops the batch, all else is tried three times in all. Displaced and dropped messages are told by an L10 frame.
 */
export function createDrain(options: DrainOptions): Drain {
  const { url, appname = 'app', flushMs = 20, retryDelayMs = 100, now = Date.now, log = () => {} } = options
  const token = options.token ?? `d.${randomUUID()}`
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  let lost = 0
  let lostSince = 0
  const outbox = new Outbox({
    queueItems: BUFFER_MESSAGES,
    queueBytes: Number.POSITIVE_INFINITY,
    batchItems: BUFFER_MESSAGES,
    batchBytes: BATCH_BYTES,
    flushMs,
    closeWithinMs: CLOSE_WITHIN_MS,
    displaced: lose,
    deliver,
  })

  function enqueue(pri: number, source: string, procid: string, text: string): void {
    for (const line of text.split('\n')) {
      for (const message of splitLine(line)) {
        outbox.push(frameLine({ pri, at: now(), appname: source, procid, message }))
      }
    }
  }

  function lose(messages: number): void {
    if (lost === 0) lostSince = now()
    lost += messages
  }

  async function deliver(frames: readonly Buffer[], signal: AbortSignal): Promise<void> {
    // The same over every attempt: the only mark by which a receiver knows a duplicate.
    const frameId = randomBytes(16).toString('hex').toUpperCase()
    for (let attempt = 1; ; attempt++) {
      const told = lost
      const outcome = await send(told ? [frameLoss(told, lostSince, now()), ...frames] : frames, frameId, signal)
      const verdict = verdictOn(outcome)
      if (verdict === 'done') {
        lost -= told
        return
      }
      if (verdict === 'drop' || attempt === ATTEMPTS || signal.aborted) {
        lose(frames.length)
        log(`logplex: ${frames.length} messages dropped after attempt ${attempt}: ${describe(outcome)}`)
        return
      }
      await pause(retryDelayMs, signal)
    }
  }

  const send = (frames: readonly Buffer[], frameId: string, signal: AbortSignal): Promise<PostOutcome> =>
    post({
      url,
      body: Buffer.concat(frames),
      agent,
      signal,
      timeoutMs: REQUEST_TIMEOUT_MS,
      headers: {
        'Content-Type': 'application/logplex-1',
        'Logplex-Msg-Count': String(frames.length),
        'Logplex-Frame-Id': frameId,
        'Logplex-Drain-Token': token,
        'User-Agent': 'Logplex/v72',
      },
    })

  return {
    app: (line, procid = 'web.1') => enqueue(PRI.app, appname, procid, line),
    router: (line) => enqueue(PRI.router, 'heroku', 'router', line),
    flush: () => outbox.flush(),
    async close() {
      await outbox.close()
      agent.destroy()
    },
  }
}

function verdictOn(outcome: PostOutcome): 'done' | 'drop' | 'retry' {
  if (outcome.kind === 'unsendable') return 'drop'
  if (outcome.kind === 'lost') return 'retry'
  if (outcome.status >= 200 && outcome.status < 300) return 'done'
  return outcome.status >= 400 && outcome.status < 500 && outcome.status !== 429 ? 'drop' : 'retry'
}

const describe = (outcome: PostOutcome): string =>
  outcome.kind === 'answered' ? `answered ${outcome.status} ${outcome.body}` : outcome.reason
