import type { IncomingMessage } from 'node:http'
import { ProblemError } from '../../shared/problem.ts'

/** A signed call has a few hundred bytes. */
const MOST_BYTES = 16 * 1024

/**
 * The body of a signed call as it came: of any type and never inflated, because the signature is over these bytes.
 * @throws ProblemError if it is too large, encoded, or cut short by its sender
 */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const { 'content-encoding': encoding = 'identity', 'content-length': length = 0 } = request.headers
  try {
    if (encoding.toLowerCase() !== 'identity') throw new ProblemError('request-malformed')
    if (Number(length) > MOST_BYTES) throw new ProblemError('request-too-large')
    return await collect(request)
  } catch (error) {
    // What is left of it is read and dropped, so that the sender comes to read the answer.
    request.resume()
    throw error
  }
}

function collect(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MOST_BYTES) reject(new ProblemError('request-too-large'))
      else chunks.push(chunk)
    })
    request.on('end', () => resolve(Buffer.concat(chunks)))
    const cutShort = () => {
      if (!request.complete) reject(new ProblemError('request-malformed'))
    }
    request.on('error', cutShort).on('close', cutShort)
  })
}
