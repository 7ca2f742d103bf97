import type { IncomingMessage } from 'node:http'

/** @returns whether a host name or address (IPv6 with or without brackets) is loopback */
export const isLoopbackName = (name: string): boolean =>
  /^(localhost|(?:[a-z0-9-]+\.)+localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i.test(name)

/**
 * Whether a foreign web page may have caused the request: its Host (DNS rebinding) or its Origin is not loopback. A host
 * without keys must not answer it.
 */
export function isForeign(request: IncomingMessage): boolean {
  const origin = request.headers.origin
  return !isLoopbackUrl(`http://${request.headers.host ?? ''}`) || (origin !== undefined && !isLoopbackUrl(origin))
}

function isLoopbackUrl(text: string): boolean {
  try {
    return isLoopbackName(new URL(text).hostname)
  } catch {
    return false
  }
}
