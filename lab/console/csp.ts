import type { Routes } from '../datadog/http.ts'
import { jsonIn, readBody, sendError, sendJson } from '../datadog/http.ts'

const MAX_REPORTS = 100
const REPORT_BYTES = 64 * 1024
const TYPES = ['application/csp-report', 'application/reports+json', 'application/json']

/**
 * Collects what the page's content security policy refused: `POST /lab/csp` from a browser, `GET /lab/csp` for a person. The newest
 * 100 are kept.
 */
export function cspRoutes(): Routes {
  let received = 0
  let reports: { readonly at: number; readonly report: unknown }[] = []
  return {
    'POST /lab/csp': async (request, response) => {
      const [type = ''] = (request.headers['content-type'] ?? '').split(';', 1)
      if (!TYPES.includes(type.trim().toLowerCase())) return sendError(response, 415, `send one of ${TYPES.join(', ')}`)
      const body = await readBody(request, REPORT_BYTES)
      const report = body && jsonIn(body.toString())
      if (report === undefined) return sendError(response, 400, `a report is JSON of at most ${REPORT_BYTES} bytes`)
      received++
      reports = [{ at: Date.now(), report }, ...reports].slice(0, MAX_REPORTS)
      response.writeHead(204).end()
    },
    'GET /lab/csp': (_request, response) => sendJson(response, 200, { received, reports }),
  }
}
