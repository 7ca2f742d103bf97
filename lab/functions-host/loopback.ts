import type { IncomingMessage } from 'node:http'

/** @returns whether a host name or address (IPv6 with or without brackets) can only mean this machine */
export const isLoopbackName = (name: string): boolean =>
  /^(localhost|(?:[a-z0-9-]+\.)+localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i.test(name)

/**
 * Whether a request may have been sent by a web page from elsewhere: its Host is not ours (DNS rebinding) or its Origin is
 * not. A host without keys answers no such request.
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
