import type { IncomingMessage, ServerResponse } from 'node:http'
import { readBody, sendError, sendJson } from '../http.ts'
import { RUM_BYTES, type RumApplication, type RumEvent, readRumBatch } from './batch.ts'

/** The path for the SDK's `proxy` option. */
export const RUM_PATH = '/rum'

const MAX_EVENTS = 5_000
const MAX_BYTES = 16 * 1024 * 1024
const DEFAULT_EVENTS = 100

/** The newest events, limited in number and in bytes. */
class RecentRum {
  readonly #kept: { event: RumEvent; bytes: number }[] = []
  #bytes = 0

  add(event: RumEvent, bytes: number): void {
    this.#kept.push({ event, bytes })
    this.#bytes += bytes
    while (this.#kept.length > 1 && (this.#kept.length > MAX_EVENTS || this.#bytes > MAX_BYTES)) {
      this.#bytes -= this.#kept.shift()?.bytes ?? 0
    }
  }

  newest(limit: number, matches: (event: RumEvent) => boolean): RumEvent[] {
    const found: RumEvent[] = []
    for (let at = this.#kept.length - 1; at >= 0 && found.length < limit; at--) {
      const event = this.#kept[at]?.event
      if (event && matches(event)) found.push(event)
    }
    return found
  }
}

/** Browser RUM for the lab: reports are checked, kept for a while and listed. */
export interface RumIntake {
  /** Whether a page of the application sent the request. */
  admits(request: IncomingMessage): boolean
  /** Answers a preflight, which the header of a simulated client causes. */
  preflight(request: IncomingMessage, response: ServerResponse): void
  take(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): Promise<void>
  /** `GET /lab/rum?type=&session=&limit=`, newest first. */
  show(response: ServerResponse, query: URLSearchParams): void
}

/** @param log called with each refusal, without the refused content */
export function createRumIntake(application: RumApplication, log: (line: string) => void): RumIntake {
  const recent = new RecentRum()
  let received = 0
  let refused = 0

  const refuse = (response: ServerResponse, status: number, detail: string) => {
    refused++
    log(`RUM intake refused a request with ${status}: ${detail}`)
    response.setHeader('Connection', 'close')
    sendError(response, status, detail)
  }

  /** Sets the CORS headers for an admitted request. */
  const allow = ({ headers: { origin } }: IncomingMessage, response: ServerResponse) => {
    if (origin === undefined) return
    response.setHeader('Access-Control-Allow-Origin', origin)
    response.setHeader('Vary', 'Origin')
  }

  return {
    preflight(request, response) {
      allow(request, response)
      response.setHeader('Access-Control-Allow-Methods', 'POST')
      response.setHeader('Access-Control-Allow-Headers', 'content-type, x-lab-client-ip')
      response.writeHead(204).end()
    },
    admits: ({ headers }) => isLoopbackTwin(headers.origin, application.origin),
    async take(request, response, query) {
      allow(request, response)
      const body = await readBody(request, RUM_BYTES)
      if (!body) return refuse(response, 413, `the payload is larger than ${RUM_BYTES} bytes`)
      const answer = readRumBatch(query.get('ddforward'), body, application)
      if (answer.kind === 'refused') return refuse(response, answer.status, answer.detail)
      for (const event of answer.events) recent.add(event, body.length / answer.events.length)
      received += answer.events.length
      sendJson(response, 202, {})
    },
    show(response, query) {
      const limit = Number(query.get('limit') ?? DEFAULT_EVENTS)
      if (!Number.isInteger(limit) || limit < 1 || limit > MAX_EVENTS) {
        return sendError(response, 400, `limit must be a whole number from 1 to ${MAX_EVENTS}`)
      }
      const [type, session] = [query.get('type'), query.get('session')]
      const matches = (event: RumEvent) => (!type || event.type === type) && (!session || event.session.id === session)
      sendJson(response, 200, { received, refused_requests: refused, events: recent.newest(limit, matches) })
    },
  }
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Whether the origin is web's under another loopback name, which people may type. */
function isLoopbackTwin(origin: string | undefined, ours: string): boolean {
  if (origin === undefined || !URL.canParse(origin)) return false
  const [theirs, own] = [new URL(origin), new URL(ours)]
  return (
    theirs.origin === origin &&
    theirs.protocol === own.protocol &&
    theirs.port === own.port &&
    LOOPBACK.has(theirs.hostname)
  )
}
