import type { RequestHandler } from 'express'
import { isCrossSite, webSite } from '../shared/client/cross-site.ts'
import { ProblemError } from '../shared/problem.ts'

/** Refuses a cross-site request before anything of it is read. */
export function refuseCrossSite(deps: { webOrigin: string; lab: boolean }): RequestHandler {
  const own = webSite(deps)
  return (request, _response, next) => {
    const { method } = request
    const [fetchSite, origin] = [request.get('sec-fetch-site'), request.get('origin')]
    if (isCrossSite({ method, fetchSite, origin }, own)) throw new ProblemError('request-forged')
    next()
  }
}
