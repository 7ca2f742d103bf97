/** Heroku's codes for failed requests. @see Heroku Dev Center, "Heroku Error Codes" */
export const FAULTS = {
  H10: { status: 503, desc: 'App crashed' },
  H12: { status: 503, desc: 'Request timeout' },
  H13: { status: 503, desc: 'Connection closed without response' },
  H18: { status: 503, desc: 'Server Request Interrupted' },
  H27: { status: 499, desc: 'Client Request Interrupted' },
} as const
export type FaultCode = keyof typeof FAULTS

/** The facts of an ended request. */
export interface Passage {
  readonly method: string
  readonly url: string
  readonly host: string
  readonly requestId: string
  /** The forwarded X-Forwarded-For: the client's claim, then the true address. */
  readonly forwardedFor: string
  /** Absent without a connection. */
  readonly connectMs?: number
  readonly serviceMs?: number
  readonly status: number
  /** Bytes of the response body. */
  readonly bytes: number
  readonly fault?: FaultCode
}

/**
 * The line that Heroku's router writes for each request, in logfmt. As on Heroku, `path` includes the query string, so a
 * secret in a query would be logged; this app puts none there.
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

/** Escapes a client's text, which could otherwise end the quotes or the line and forge fields. */
function inQuotes(text: string): string {
  return text.replace(/["\\]|[^\x20-\x7e]/g, (character) => encodeURIComponent(character))
}
