import type { IncomingMessage } from 'node:http'
import { readBody } from './http-request.ts'

/** The only administrative request this host knows: run a timer now. */
export type AdminRequest = { kind: 'run'; name: string } | { kind: 'refused'; status: 400 | 404 | 413 | 415 }

const maxBodyBytes = 64 * 1024

/** @returns whether a path is the host's own, whatever an app's routes say */
export const isReservedPath = (segments: readonly string[]): boolean =>
  ['admin', 'runtime'].includes(segments[0]?.toLowerCase() ?? '')

/**
 * Reads `POST /admin/functions/<name>` with a JSON object such as `{"input": ""}`; a timer ignores the input.
 * @returns 404 for any other administrative path, 415 without a JSON content type, 400 without a JSON object
 * @see https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http
 */
export async function readAdminRequest(request: IncomingMessage, segments: readonly string[]): Promise<AdminRequest> {
  const [root, collection, name] = segments
  const known = segments.length === 3 && root?.toLowerCase() === 'admin' && collection?.toLowerCase() === 'functions'
  if (!known || name === undefined || request.method !== 'POST') return { kind: 'refused', status: 404 }
  const body = await readBody(request, maxBodyBytes)
  if (body.kind === 'too-large') return { kind: 'refused', status: 413 }
  if (body.kind === 'aborted' || !body.bytes) return { kind: 'refused', status: 400 }
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(request.headers['content-type'] ?? ''))
    return { kind: 'refused', status: 415 }
  return isJsonObject(Buffer.from(body.bytes).toString()) ? { kind: 'run', name } : { kind: 'refused', status: 400 }
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
