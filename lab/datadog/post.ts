import http from 'node:http'
import https from 'node:https'

/** What became of one POST; an expected end, so nothing is thrown. */
export type PostOutcome =
  | { kind: 'answered'; status: number; body: string }
  /** No whole answer: refused, reset, timed out, aborted. */
  | { kind: 'lost'; reason: string }
  /** Not a request at all, however often it is tried: a URL or header that HTTP cannot carry. */
  | { kind: 'unsendable'; reason: string }

export interface Post {
  url: string
  headers: Record<string, string>
  body: string | Buffer
  /** For the whole exchange, connecting included. */
  timeoutMs: number
  agent?: http.Agent
  signal?: AbortSignal
}

const ANSWER_BYTES_KEPT = 2048

/**
 * Sends one POST over plain node:http: unlike fetch it takes user:password@ URLs, as drains and webhooks do.
 * Redirects are answers, not followed. At most 2 KiB of the answer's body is kept.
 */
export function post(request: Post): Promise<PostOutcome> {
  return new Promise((resolve) => {
    let outgoing: http.ClientRequest
    const deadline = AbortSignal.timeout(request.timeoutMs)
    const signal = request.signal ? AbortSignal.any([deadline, request.signal]) : deadline
    const lost = (error: Error) =>
      resolve({ kind: 'lost', reason: deadline.aborted ? `no answer within ${request.timeoutMs} ms` : reasonOf(error) })
    try {
      const url = new URL(request.url)
      const transport = url.protocol === 'https:' ? https : http
      const body = Buffer.from(request.body)
      const headers = { ...request.headers, 'Content-Length': String(body.length) }
      outgoing = transport.request(url, {
        method: 'POST',
        headers,
        signal,
        ...(request.agent && { agent: request.agent }),
      })
      outgoing.on('response', (answer) => keepAnswer(answer, resolve, lost))
      outgoing.on('error', lost)
      outgoing.end(body)
    } catch (error) {
      resolve({ kind: 'unsendable', reason: reasonOf(error) })
    }
  })
}

function keepAnswer(
  answer: http.IncomingMessage,
  resolve: (outcome: PostOutcome) => void,
  lost: (error: Error) => void,
): void {
  const kept: Buffer[] = []
  let keptBytes = 0
  answer.on('data', (chunk: Buffer) => {
    if (keptBytes >= ANSWER_BYTES_KEPT) return
    kept.push(chunk.subarray(0, ANSWER_BYTES_KEPT - keptBytes))
    keptBytes += chunk.length
  })
  answer.on('end', () =>
    resolve({ kind: 'answered', status: answer.statusCode ?? 0, body: Buffer.concat(kept).toString('utf8') }),
  )
  answer.on('error', lost)
  answer.on('close', () => lost(new Error('the connection closed in mid-answer')))
}

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const code = (error as NodeJS.ErrnoException).code
  return error.message || code || error.name
}
