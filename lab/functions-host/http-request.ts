import type { IncomingMessage } from 'node:http'
import { headerText } from './kestrel.ts'
import type { Nullable, RpcHttp } from './rpc.ts'

/** For any other `kind` than `read` the function is not run. */
export type Body = { kind: 'read'; bytes?: Uint8Array } | { kind: 'too-large' } | { kind: 'aborted' }

/** The parts of the request target; undefined if it is not a path (Kestrel answers 400). */
export function requestTarget(request: IncomingMessage): { path: string; query: string; url: string } | undefined {
  try {
    const raw = request.url ?? ''
    const target = raw.startsWith('/') ? raw : raw.replace(/^https?:\/\/[^/?#]*/i, '')
    if (!target.startsWith('/')) return undefined
    const question = target.indexOf('?')
    const path = question < 0 ? target : target.slice(0, question)
    const query = question < 0 ? '' : target.slice(question)
    // Azure's front end terminates TLS; the host reads the scheme from this header on Linux.
    const scheme = String(request.headers['x-forwarded-proto'] ?? '').toLowerCase() === 'https' ? 'https' : 'http'
    return { path, query, url: new URL(`${scheme}://${request.headers.host}${path}${query}`).href }
  } catch {
    return undefined
  }
}

/**
 * Reads the body by Content-Length. A chunked body is not read, because the host drops it in classic mode.
 * @param limitBytes larger ones are refused before they are read
 * @see https://github.com/Azure/azure-functions-host/issues/4926
 */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Body> {
  const length = Number(request.headers['content-length'] ?? 0)
  if (length > limitBytes) return { kind: 'too-large' }
  if (length === 0) {
    request.resume()
    return { kind: 'read' }
  }
  return readWholeBody(request, limitBytes)
}

/**
 * Reads a body to its end, with Content-Length or chunked.
 * @param limitBytes the rest of a larger one is left unread
 */
export async function readWholeBody(request: IncomingMessage, limitBytes: number): Promise<Body> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      if (!Buffer.isBuffer(chunk)) continue
      bytes += chunk.byteLength
      if (bytes > limitBytes) return { kind: 'too-large' }
      chunks.push(chunk)
    }
  } catch {
    return { kind: 'aborted' }
  }
  return { kind: 'read', bytes: Buffer.concat(chunks) }
}

/** Builds the message to the worker for an HTTP trigger. */
export function toRpcHttp(
  request: IncomingMessage,
  target: { query: string; url: string },
  params: Readonly<Record<string, string>>,
  bytes: Uint8Array | undefined,
): RpcHttp {
  return {
    method: request.method ?? 'GET',
    url: target.url,
    nullableHeaders: joined(headersOf(request.rawHeaders), (name) => name.toLowerCase()),
    nullableQuery: joined(new URLSearchParams(target.query), (name) => name),
    nullableParams: nullable(Object.entries(params)),
    ...(bytes && { body: { bytes } }),
  }
}

function* headersOf(rawHeaders: readonly string[]): Generator<[string, string]> {
  for (let index = 0; index < rawHeaders.length; index += 2)
    yield [rawHeaders[index] ?? '', headerText(rawHeaders[index + 1] ?? '') ?? '']
}

/** Joins the values of repeated names (in any case) with commas, under the first spelling. */
function joined(pairs: Iterable<readonly [string, string]>, spelling: (name: string) => string): Nullable {
  const values = new Map<string, { name: string; value: string }>()
  for (const [name, value] of pairs) {
    const entry = values.get(name.toLowerCase())
    if (entry) entry.value += `,${value}`
    else values.set(name.toLowerCase(), { name: spelling(name), value })
  }
  return nullable([...values.values()].map(({ name, value }) => [name, value]))
}

const nullable = (entries: Iterable<readonly [string, string]>): Nullable =>
  Object.fromEntries([...entries].map(([name, value]) => [name, { value }]))
