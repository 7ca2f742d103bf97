import { setTimeout as delay } from 'node:timers/promises'
import type { Device } from './devices.ts'
import type { Mailbox } from './mailbox.ts'
import { RequestFailed } from './request-failed.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
  /** Epoch ms of sending the request. */
  readonly sentAt: number
  /** Epoch ms of receiving the whole answer. */
  readonly answeredAt: number
}

/** A path begins with a slash, so that appending it to an origin cannot change the host. */
export type Path = `/${string}`

export interface Outgoing {
  readonly method: 'GET' | 'POST'
  readonly path: Path
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Sent only once, even after a 503, because a flood does not wait for the server. */
  readonly impatient?: true
}

/** What all clients of one run share: the target and the limit of requests. */
export interface Line {
  readonly baseUrl: string
  readonly runId: string
  /** The mailbox of the invented addresses; absent outside a lab. */
  readonly mailbox?: Mailbox | undefined
  readonly signal: AbortSignal
  /** Awaited before each request: slow motion for who watches. */
  readonly pace?: (() => Promise<void>) | undefined
  /** Counts a request and tracks it until it ends. @throws RequestFailed beyond the limit */
  track<T>(request: () => Promise<T>): Promise<T>
}

const ANSWER_WITHIN_MS = 15_000
const TRIES = 6
const MAX_WAIT_SECONDS = 5

export interface Counter extends Pick<Line, 'track'> {
  readonly requests: () => number
  /** Resolves when no request is under way. */
  idle(): Promise<void>
}

/** Limits the number of requests, so that a faulty loop cannot become a load test. */
export function createCounter(atMost: number): Counter {
  let requests = 0
  const underWay = new Set<Promise<unknown>>()
  return {
    requests: () => requests,
    async track(request) {
      if (requests >= atMost) throw new RequestFailed(`stopped after ${requests} requests, which is the limit of a run`)
      requests++
      const answer = request()
      underWay.add(answer)
      return answer.finally(() => underWay.delete(answer))
    },
    async idle() {
      while (underWay.size > 0) await Promise.allSettled(underWay)
    },
  }
}

/**
 * Sends a request from one device and address. Does not follow redirects. Repeats the request only after a 503, and not if
 * it is {@link Outgoing.impatient}.
 * @throws RequestFailed when the server cannot be reached, or answers 5xx
 */
export async function send(outgoing: Outgoing, from: { device: Device; address: string }, line: Line): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    await line.pace?.()
    const answer = await line.track(() => once(outgoing, from, line))
    if (answer.status === 503 && outgoing.impatient) return answer
    if (answer.status !== 503 || attempt === TRIES) {
      if (answer.status >= 500) throw new RequestFailed(`${describe(outgoing, line)} answered ${answer.status}`)
      return answer
    }
    const after = Number(answer.headers.get('retry-after') ?? 1)
    const seconds = Number.isFinite(after) ? Math.min(Math.max(after, 0), MAX_WAIT_SECONDS) : 1
    await delay(seconds * 1000, undefined, { signal: line.signal })
  }
}

async function once(outgoing: Outgoing, from: { device: Device; address: string }, line: Line): Promise<Answer> {
  const { method, path, headers = {}, body } = outgoing
  const sentAt = Date.now()
  try {
    const response = await fetch(`${line.baseUrl}${path}`, {
      method,
      redirect: 'manual',
      signal: AbortSignal.any([line.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
      headers: {
        'user-agent': `${from.device.userAgent} ato-lab/${line.runId}`,
        ...from.device.hints,
        // Only the lab's edge reads this header; other systems do not trust it.
        'x-lab-client-ip': from.address,
        ...headers,
      },
      ...(body !== undefined && { body }),
    })
    refuseForeignRedirect(response, line)
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text, sentAt, answeredAt: Date.now() }
  } catch (error) {
    if (line.signal.aborted || error instanceof RequestFailed) throw error
    throw new RequestFailed(`${describe(outgoing, line)} failed: ${reasonOf(error)}`)
  }
}

/** Refuses a redirect to another origin, which was not allowed as a target. */
function refuseForeignRedirect(response: Response, { baseUrl }: Line): void {
  const location = response.headers.get('location')
  if (location === null) return
  const { origin } = new URL(location, baseUrl)
  if (origin !== baseUrl) throw new RequestFailed(`redirected to ${origin}, which is not the target: not followed`)
}

const describe = ({ method, path }: Outgoing, { baseUrl }: Line): string => `${method} ${baseUrl}${path}`

/** The message of fetch is "fetch failed"; the reason is in `cause`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause, message } = error
  if (!(cause instanceof Error)) return message
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message
}
