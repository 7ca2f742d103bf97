import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AlertBook, AlertEvent } from './alerts.ts'
import type { SignalBook, SignalEvent } from './signals.ts'

const HEARTBEAT_MS = 15_000
/** A reader with a larger backlog is disconnected; it can reconnect with Last-Event-ID. */
const MAX_BACKLOG_BYTES = 1024 * 1024

/**
 * Answers with server-sent events: `alert` for each transition of a monitor, `signal` for each change of a signal, `delivery` for each
 * ended delivery. The id of an event is that of its alert or signal. With `Last-Event-ID` or `?after=` those after that one are
 * sent first, so a reader misses none.
 */
export function streamAlerts(
  request: IncomingMessage,
  response: ServerResponse,
  { alerts, signals }: { alerts: AlertBook; signals: SignalBook },
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
    const missed = [
      ...alerts.list().map((alert) => ({ id: alert.id, event: { kind: 'alert' as const, alert } })),
      ...signals.list().map((signal) => ({ id: signal.id, event: { kind: 'signal' as const, signal } })),
    ].filter(({ id }) => id > lastId)
    for (const { event } of missed.sort((a, b) => a.id - b.id)) write(eventText(event))
  }
  const subscriptions = [alerts, signals].map((book) => book.subscribe((event) => write(eventText(event))))
  const heartbeat = setInterval(() => write(': still here\n\n'), HEARTBEAT_MS)
  response.on('close', () => {
    for (const unsubscribe of subscriptions) unsubscribe()
    clearInterval(heartbeat)
  })
}

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
