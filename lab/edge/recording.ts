import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HeaderList } from './headers.ts'

/** A request and its answer, as they passed. */
export interface RecordedCall {
  /** Epoch ms. */
  readonly at: number
  readonly ms: number
  /** Request line, headers and body. */
  readonly request: string
  readonly body: string
  /** Null if the app gave no whole answer. */
  readonly status: number | null
  readonly answer: string
}

/** More than a signed call and its answer have. */
const MAX_BYTES = 16 * 1024

/** Keeps the begin of a stream. */
class Kept {
  readonly #chunks: Buffer[] = []
  #bytes = 0

  add(chunk: Buffer): void {
    if (this.#bytes >= MAX_BYTES) return
    this.#chunks.push(chunk.subarray(0, MAX_BYTES - this.#bytes))
    this.#bytes += chunk.length
  }

  toString(): string {
    return Buffer.concat(this.#chunks).toString()
  }
}

/** Records one request and its answer. @returns what sees the answer of the app */
export function recordCall(
  {
    request,
    response,
    headers,
    url,
  }: {
    readonly request: IncomingMessage
    readonly response: ServerResponse
    readonly headers: HeaderList
    readonly url: string
  },
  done: (call: RecordedCall) => void,
): (answer: IncomingMessage) => void {
  const [at, began] = [Date.now(), performance.now()]
  const [body, answered] = [new Kept(), new Kept()]
  let status: number | null = null
  request.on('data', (chunk: Buffer) => body.add(chunk))
  response.once('close', () => {
    const head = [
      `${request.method} ${url} HTTP/${request.httpVersion}`,
      ...headers.map(([name, value]) => `${name}: ${value}`),
    ]
    done({
      ...{ at, ms: Math.round(performance.now() - began), status },
      request: `${head.join('\n')}\n\n${body}`,
      body: body.toString(),
      answer: answered.toString(),
    })
  })
  return (answer) => {
    status = answer.statusCode ?? null
    answer.on('data', (chunk: Buffer) => answered.add(chunk))
  }
}
