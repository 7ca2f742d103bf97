import { setTimeout as delay } from 'node:timers/promises'
import type { Device } from './devices.ts'
import type { Mailbox } from './mailbox.ts'
import { RequestFailed } from './request-failed.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
  /** Epoch ms of the request that got this answer. */
  readonly sentAt: number
  /** Epoch ms: when all of the answer was here. */
  readonly answeredAt: number
}

/** It begins with a slash: put behind the target's origin, no path can turn that into another host. */
export type Path = `/${string}`

export interface Outgoing {
  readonly method: 'GET' | 'POST'
  readonly path: Path
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Sent once, whatever the answer: whoever floods does not wait until the server has time. */
  readonly impatient?: true
}

/** What all clients of one run share: where they go, and how much they may ask for. */
export interface Line {
  readonly baseUrl: string
  readonly runId: string
  /** Where mail to invented addresses ends up; absent where the target is no lab. */
  readonly mailbox?: Mailbox | undefined
  readonly signal: AbortSignal
  /** Counts a request, and knows it to be under way until it is over. @throws RequestFailed past the bound */
  track<T>(request: () => Promise<T>): Promise<T>
}

const ANSWER_WITHIN_MS = 15_000
const TRIES = 6
const LONGEST_WAIT_SECONDS = 5

export interface Counter extends Pick<Line, 'track'> {
  readonly requests: () => number
  /** Resolves when no request is under way: each was answered, or has failed. */
  idle(): Promise<void>
}

/** A bound on requests: a loop gone wrong must not become a load test. */
export function createCounter(atMost: number): Counter {
  let requests = 0
  const underWay = new Set<Promise<unknown>>()
  return {
    requests: () => requests,
    async track(request) {
      if (requests >= atMost) throw new RequestFailed(`stopped after ${requests} requests: no run needs more`)
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
 * One device at one address. Follows no redirect, and asks again only when the server says it is too busy (503), unless
 * it is {@link Outgoing.impatient}.
 * @throws RequestFailed when the server cannot be reached, or answers 5xx
 */
export async function send(outgoing: Outgoing, from: { device: Device; address: string }, line: Line): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await line.track(() => once(outgoing, from, line))
    if (answer.status === 503 && outgoing.impatient) return answer
    if (answer.status !== 503 || attempt === TRIES) {
      if (answer.status >= 500) throw new RequestFailed(`${describe(outgoing, line)} answered ${answer.status}`)
      return answer
    }
    const after = Number(answer.headers.get('retry-after') ?? 1)
    const seconds = Number.isFinite(after) ? Math.min(Math.max(after, 0), LONGEST_WAIT_SECONDS) : 1
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
        // Read by the lab's edge alone; everywhere else it is one more header that nobody believes.
        'x-lab-client-ip': from.address,
        ...headers,
      },
      ...(body !== undefined && { body }),
    })
    refuseElsewhere(response, line)
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text, sentAt, answeredAt: Date.now() }
  } catch (error) {
    if (line.signal.aborted || error instanceof RequestFailed) throw error
    throw new RequestFailed(`${describe(outgoing, line)} failed: ${reasonOf(error)}`)
  }
}

/** A target that points somewhere else is not the one that was allowed. */
function refuseElsewhere(response: Response, { baseUrl }: Line): void {
  const location = response.headers.get('location')
  if (location === null) return
  const { origin } = new URL(location, baseUrl)
  if (origin !== baseUrl) throw new RequestFailed(`redirected to ${origin}, which is not the target; stopped there`)
}

const describe = ({ method, path }: Outgoing, { baseUrl }: Line): string => `${method} ${baseUrl}${path}`

/** fetch says "fetch failed" and keeps the reason in `cause`. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  const { code } = (cause ?? {}) as NodeJS.ErrnoException
  return code ?? (cause instanceof Error ? cause.message : message)
}
