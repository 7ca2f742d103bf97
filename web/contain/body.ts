import type { IncomingMessage } from 'node:http'
import type { ProblemCode } from '../../shared/problem.ts'

/** A signed call has a few hundred bytes, which come in one piece. */
const MOST_BYTES = 16 * 1024

/**
 * The body of a signed call as it came: of any type and never inflated, because the signature is over these bytes.
 * @returns what is wrong with it if it is too large, encoded, or cut short by its sender
 */
export function readBody(request: IncomingMessage): Promise<Buffer | ProblemCode> {
  const { 'content-encoding': encoding = 'identity', 'content-length': length = 0 } = request.headers
  return new Promise((resolve) => {
    const refuse = (code: ProblemCode) => {
      // What is left of it is read and dropped, so that the sender comes to read the answer.
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
