import type { IncomingMessage } from 'node:http'
import type { ProblemCode } from '../../shared/problem.ts'

/** The largest body; a signed call has a few hundred bytes. */
const MOST_BYTES = 16 * 1024

/**
 * Reads the raw body of a signed call: of any type and never inflated, because the signature covers these bytes.
 * @returns the fault if the body is too large, encoded, or cut short by its sender
 */
export function readBody(request: IncomingMessage): Promise<Buffer | ProblemCode> {
  const { 'content-encoding': encoding = 'identity', 'content-length': length = 0 } = request.headers
  return new Promise((resolve) => {
    const refuse = (code: ProblemCode) => {
      // Reads and drops the rest, so that the sender reads the answer.
      request.resume()
      resolve(code)
    }
    const cutShort = () => {
      if (!request.complete) refuse('request-malformed')
    }
    request.on('error', cutShort).on('close', cutShort)
    if (encoding.toLowerCase() !== 'identity') return refuse('request-malformed')
    if (Number(length) > MOST_BYTES) return refuse('request-too-large')
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MOST_BYTES) refuse('request-too-large')
      else chunks.push(chunk)
    })
    request.on('end', () => resolve(joined(chunks)))
  })
}

function joined(chunks: Buffer[]): Buffer {
  const [first] = chunks
  return first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks)
}
