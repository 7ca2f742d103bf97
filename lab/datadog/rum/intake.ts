import type { IncomingMessage, ServerResponse } from 'node:http'
import { readBody, sendError, sendJson } from '../http.ts'
import { RUM_BYTES, type RumApplication, type RumEvent, readRumBatch } from './batch.ts'

/** What the SDK's `proxy` option names. */
export const RUM_PATH = '/rum'

const EVENTS_KEPT = 5_000
const BYTES_KEPT = 16 * 1024 * 1024
const EVENTS_BY_DEFAULT = 100

/** The newest events, bounded in number and in bytes. */
class RecentRum {
  readonly #kept: { event: RumEvent; bytes: number }[] = []
  #bytes = 0

  add(event: RumEvent, bytes: number): void {
    this.#kept.push({ event, bytes })
    this.#bytes += bytes
    while (this.#kept.length > 1 && (this.#kept.length > EVENTS_KEPT || this.#bytes > BYTES_KEPT)) {
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

/** Browser RUM as far as a lab needs it: the reports are taken, checked, kept for a while and shown. */
export interface RumIntake {
  /** Whether a page of the application may post here: other pages' requests are foreign. */
  admits(request: IncomingMessage): boolean
  /** Answers a browser that asks first, which it does for a header that names a simulated client. */
  preflight(request: IncomingMessage, response: ServerResponse): void
  take(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): Promise<void>
  /** `GET /lab/rum?type=&session=&limit=`, newest first. */
  show(response: ServerResponse, query: URLSearchParams): void
}

/** @param log told of each refusal, without the content of what was refused */
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

  /** Only for a request that was admitted. */
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
      const limit = Number(query.get('limit') ?? EVENTS_BY_DEFAULT)
      if (!Number.isInteger(limit) || limit < 1 || limit > EVENTS_KEPT) {
        return sendError(response, 400, `limit is not a whole number from 1 to ${EVENTS_KEPT}`)
      }
      const [type, session] = [query.get('type'), query.get('session')]
      const matches = (event: RumEvent) => (!type || event.type === type) && (!session || event.session.id === session)
      sendJson(response, 200, { received, refused_requests: refused, events: recent.newest(limit, matches) })
    },
  }
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/** People type any of loopback's names: with web's scheme and port each of them is web. */
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
