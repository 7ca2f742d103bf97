/** How a request ended badly, in Heroku's own codes. @see Heroku Dev Center, "Heroku Error Codes" */
export const FAULTS = {
  H10: { status: 503, desc: 'App crashed' },
  H12: { status: 503, desc: 'Request timeout' },
  H13: { status: 503, desc: 'Connection closed without response' },
  H18: { status: 503, desc: 'Server Request Interrupted' },
  H27: { status: 499, desc: 'Client Request Interrupted' },
} as const
export type FaultCode = keyof typeof FAULTS

/** What the router knows when a request is over. */
export interface Passage {
  readonly method: string
  readonly url: string
  readonly host: string
  readonly requestId: string
  /** The whole X-Forwarded-For as passed on: the client's claim, then the true address. */
  readonly forwardedFor: string
  /** Absent when no connection came about. */
  readonly connectMs?: number
  readonly serviceMs?: number
  readonly status: number
  /** Of the response body. */
  readonly bytes: number
  readonly fault?: FaultCode
}

/**
 * The line that Heroku's router writes for each request, in its logfmt. As there, `path` has the query string: an app
 * that puts a secret into a query has it in its logs, here as in production; this one never does.
 */
export function routerLine(passage: Passage): string {
  const { fault } = passage
  const dyno = passage.connectMs === undefined ? '' : 'web.1'
  return [
    fault ? `at=error code=${fault} desc="${FAULTS[fault].desc}"` : 'at=info',
    `method=${passage.method}`,
    `path="${inQuotes(passage.url)}"`,
    `host=${passage.host}`,
    `request_id=${passage.requestId}`,
    `fwd="${inQuotes(passage.forwardedFor)}"`,
    `dyno=${dyno}`,
    `connect=${inMs(passage.connectMs)}`,
    `service=${inMs(passage.serviceMs)}`,
    `status=${passage.status}`,
    `bytes=${passage.bytes}`,
    'protocol=http',
  ].join(' ')
}

function inMs(duration: number | undefined): string {
  return duration === undefined ? '' : `${Math.round(duration)}ms`
}

/** A client's text must neither close the quotes nor the line: it could forge the fields that follow. */
function inQuotes(text: string): string {
  return text.replace(/["\\]|[^\x20-\x7e]/g, (character) => encodeURIComponent(character))
}
