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
  /** From the first waiting line to its POST, in ms. */
  flushMs?: number
  /** Between two attempts, in ms. Logplex waits a second. */
  retryDelayMs?: number
  /** Epoch ms. */
  now?: () => number
  /** Called with a sentence about messages that are dropped. */
  log?: (line: string) => void
}

/** Carries an app's stdout to its log drain, as Logplex does on Heroku. */
export interface Drain {
  app(line: string, procid?: string): void
  router(line: string): void
  /** Resolves when every line accepted so far is delivered or dropped. */
  flush(): Promise<void>
  /** Delivers for at most two seconds. Later lines are discarded. */
  close(): Promise<void>
}

// heroku/logplex, logplex_http_drain.erl and its defaults.
const BATCH_BYTES = 100 * 1024
const BUFFER_MESSAGES = 1024
const ATTEMPTS = 3
const REQUEST_TIMEOUT_MS = 5000
const CLOSE_WITHIN_MS = 2000

/**
 * Opens a drain that frames, batches and delivers as Logplex does: one request at a time. A 2xx ends a batch, a 4xx other than
 * 429 drops it, and anything else is retried, with three attempts in all. An L10 frame reports displaced and dropped messages.
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
    // The id is the same for every attempt, so that a receiver can recognize a duplicate.
    const frameId = randomBytes(16).toString('hex').toUpperCase()
    for (let attempt = 1; ; attempt++) {
      const reported = lost
      const outcome = await send(
        reported ? [frameLoss(reported, lostSince, now()), ...frames] : frames,
        frameId,
        signal,
      )
      const verdict = verdictOn(outcome)
      if (verdict === 'done') {
        lost -= reported
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
