import http from 'node:http'
import https from 'node:https'

/** The outcome of a POST. Failures are expected, so they are values and not thrown. */
export type PostOutcome =
  | { kind: 'answered'; status: number; body: string }
  /** No complete answer: refused, reset, timed out or aborted. */
  | { kind: 'lost'; reason: string }
  /** A URL or header that HTTP cannot represent, so that a retry is useless. */
  | { kind: 'unsendable'; reason: string }

export interface Post {
  url: string
  headers: Record<string, string>
  body: string | Buffer
  /** For the whole exchange, including the connection. */
  timeoutMs: number
  agent?: http.Agent
  signal?: AbortSignal
}

const MAX_ANSWER_BYTES = 2048

/**
 * Sends one POST with node:http, because fetch refuses URLs with user:password@, which drains and webhooks use.
 * Redirects are not followed. At most 2 KiB of the answer's body is kept.
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
    if (keptBytes >= MAX_ANSWER_BYTES) return
    kept.push(chunk.subarray(0, MAX_ANSWER_BYTES - keptBytes))
    keptBytes += chunk.length
  })
  answer.on('end', () =>
    resolve({ kind: 'answered', status: answer.statusCode ?? 0, body: Buffer.concat(kept).toString('utf8') }),
  )
  answer.on('error', lost)
  answer.on('close', () => lost(new Error('the connection closed before the end of the answer')))
}

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return error.message || ('code' in error && String(error.code)) || error.name
}
