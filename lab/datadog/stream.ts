import type { IncomingMessage, ServerResponse } from 'node:http'
import { CONSOLE_EVENTS, type Hub } from '../console/hub.ts'
import type { AlertBook, AlertEvent } from './alerts.ts'
import { type Handler, sendError } from './http.ts'
import type { SignalBook, SignalEvent } from './signals.ts'

const HEARTBEAT_MS = 15_000
/** A reader with a larger backlog is disconnected; it can reconnect with Last-Event-ID. */
const MAX_BACKLOG_BYTES = 1024 * 1024
const MAX_READERS = 200

const STAND_IN_EVENTS = ['alert', 'signal', 'delivery'] as const

/** Everything that a stream reports. */
export interface Streamed {
  readonly alerts: AlertBook
  readonly signals: SignalBook
  /** Absent without a console. */
  readonly hub: Hub | undefined
}

/** @returns what answers requests for a stream, at most 200 of them at a time */
export function createStream(streamed: Streamed): Handler {
  let readers = 0
  return (request, response, query) => {
    if (readers >= MAX_READERS) return sendError(response, 503, `${MAX_READERS} readers follow the stream: close one`)
    readers++
    response.on('close', () => readers--)
    streamEvents(request, response, streamed, query)
  }
}

/**
 * Answers with server-sent events: `alert` for each transition of a monitor, `signal` for each change of a signal, `delivery` for each
 * ended delivery. The id of an event is that of its alert or signal. With `Last-Event-ID` or `?after=` those after that one are
 * sent first, so a reader misses none. `?events=` names the events to send, those of the console among them; these have no id.
 */
function streamEvents(
  request: IncomingMessage,
  response: ServerResponse,
  { alerts, signals, hub }: Streamed,
  query: URLSearchParams,
): void {
  const known: readonly string[] = [...STAND_IN_EVENTS, ...(hub ? CONSOLE_EVENTS : [])]
  const names = query.get('events')?.split(',') ?? STAND_IN_EVENTS
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    sendError(response, 400, `events: ${unknown} is none of ${known.join(', ')}`)
    return
  }
  const events: ReadonlySet<string> = new Set(names)
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  response.write(': this stream reports alerts and deliveries as they happen\n\n')
  const write = (text: string) => {
    if (response.destroyed) return
    response.write(text)
    if (response.writableLength > MAX_BACKLOG_BYTES) response.destroy()
  }
  const tell = (event: AlertEvent | SignalEvent) => {
    if (events.has(nameOf(event))) write(eventText(event))
  }
  const after = query.get('after')
  const lastId = Number(after ?? request.headers['last-event-id'] ?? Number.NaN)
  if (Number.isFinite(lastId)) {
    const missed = [
      ...alerts.list().map((alert) => ({ id: alert.id, event: { kind: 'alert' as const, alert } })),
      ...signals.list().map((signal) => ({ id: signal.id, event: { kind: 'signal' as const, signal } })),
    ].filter(({ id }) => id > lastId)
    for (const { event } of missed.sort((a, b) => a.id - b.id)) tell(event)
  }
  const subscriptions = [alerts, signals].map((book) => book.subscribe(tell))
  if (hub) subscriptions.push(hub.read(events, write))
  const heartbeat = setInterval(() => write(': still here\n\n'), HEARTBEAT_MS)
  response.on('close', () => {
    for (const unsubscribe of subscriptions) unsubscribe()
    clearInterval(heartbeat)
  })
}

const nameOf = ({ kind }: AlertEvent | SignalEvent): string => (kind === 'signal-delivery' ? 'delivery' : kind)

function eventText(event: AlertEvent | SignalEvent): string {
  if (event.kind === 'alert') return textOf('alert', event.alert.id, event.alert)
  if (event.kind === 'signal') return textOf('signal', event.signal.id, event.signal)
  if (event.kind === 'delivery') {
    const { id, monitor } = event.alert
    return textOf('delivery', id, { alert_id: id, monitor, ...event.delivery })
  }
  const { id, rule } = event.signal
  return textOf('delivery', id, { alert_id: id, rule, ...event.delivery })
}

const textOf = (kind: string, id: number, data: object): string =>
  `event: ${kind}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`
