import type { RequestHandler } from 'express'
import { ProblemError } from '../shared/problem.ts'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

export interface CrossSiteDeps {
  webOrigin: string
  lab: boolean
}

/**
 * Whether a page of another site may have caused this request. Every browser of this decade sends Sec-Fetch-Site, and
 * each older one an Origin with a POST; a request with neither is no browser's, carries nobody's cookies but its own,
 * and goes on: refusing it would only hide password guessing from the detections.
 * @see https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
 */
export function isCrossSite(
  request: { method: string; fetchSite?: string | undefined; origin?: string | undefined },
  deps: CrossSiteDeps,
): boolean {
  if (SAFE_METHODS.has(request.method)) return false
  if (request.fetchSite !== undefined) return request.fetchSite !== 'same-origin'
  return request.origin !== undefined && !isOwnOrigin(request.origin, deps)
}

/** In the lab `localhost`, `127.0.0.1` and `[::1]` are one site: people type any of them. */
function isOwnOrigin(origin: string, { webOrigin, lab }: CrossSiteDeps): boolean {
  if (origin === webOrigin) return true
  if (!lab || !URL.canParse(origin)) return false
  const [theirs, ours] = [new URL(origin), new URL(webOrigin)]
  const sameSchemeAndPort = theirs.protocol === ours.protocol && theirs.port === ours.port
  return theirs.origin === origin && sameSchemeAndPort && LOOPBACK.has(theirs.hostname) && LOOPBACK.has(ours.hostname)
}

/** Refuses before anything of the request is read. */
export const refuseCrossSite =
  (deps: CrossSiteDeps): RequestHandler =>
  (request, _response, next) => {
    const { method } = request
    const [fetchSite, origin] = [request.get('sec-fetch-site'), request.get('origin')]
    if (isCrossSite({ method, fetchSite, origin }, deps)) throw new ProblemError('request-forged')
    next()
  }
