import type { RequestListener } from 'node:http'
import { createApp, type WebDeps } from './app.ts'
import { revokeListener } from './contain/handler.ts'

/** A server must also accept the absolute form of a target. @see RFC 9112 3.2.2 */
const REVOKE = /^(?:[A-Za-z]+:\/\/[^/?#]*)?\/contain\/revoke(?:\?|$)/

/** All routes of web, without a port: the signed call directly, everything else by Express. */
export function createListener(deps: WebDeps): RequestListener {
  const revoke = revokeListener(deps)
  const app = createApp(deps)
  return (request, response) => {
    const isCall = request.method === 'POST' && REVOKE.test(request.url ?? '')
    if (isCall) revoke(request, response)
    else app(request, response)
  }
}
