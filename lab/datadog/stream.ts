import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AlertBook, AlertEvent } from './alerts.ts'

const HEARTBEAT_MS = 15_000
/** A reader with a larger backlog is disconnected; it can reconnect with Last-Event-ID. */
const MAX_BACKLOG_BYTES = 1024 * 1024

/**
 * Answers with server-sent events: `alert` for each transition, `delivery` for each ended delivery. The id of an event is
 * that of its alert. With `Last-Event-ID` or `?after=` the alerts after that one are sent first, so a reader misses none.
 */
export function streamAlerts(
  request: IncomingMessage,
  response: ServerResponse,
  book: AlertBook,
  after?: number,
): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  response.write(': this stream reports alerts and deliveries as they happen\n\n')
  const write = (text: string) => {
    if (response.destroyed) return
    response.write(text)
    if (response.writableLength > MAX_BACKLOG_BYTES) response.destroy()
  }
  const lastId = after ?? Number(request.headers['last-event-id'] ?? Number.NaN)
  if (Number.isFinite(lastId)) {
    for (const alert of book.list()) if (alert.id > lastId) write(eventText({ kind: 'alert', alert }))
  }
  const unsubscribe = book.subscribe((event) => write(eventText(event)))
  const heartbeat = setInterval(() => write(': still here\n\n'), HEARTBEAT_MS)
  response.on('close', () => {
    unsubscribe()
    clearInterval(heartbeat)
  })
}

function eventText(event: AlertEvent): string {
  const { id, monitor } = event.alert
  const data = event.kind === 'alert' ? event.alert : { alert_id: id, monitor, ...event.delivery }
  return `event: ${event.kind}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`
}
