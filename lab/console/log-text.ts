import type { IndexedLog } from 'alertproof'

/** A log on one line: its reserved attributes, then those of its JSON. */
export function lineOf({ timestamp, service, host, source, status, tags, message, attributes }: IndexedLog): string {
  const at = Number.isFinite(timestamp) ? new Date(timestamp).toISOString() : undefined
  return JSON.stringify({ timestamp: at, service, host, source, status, tags, message, ...attributes })
}

/** A text attribute of a log; undefined for any other value. */
export function textIn(attributes: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = attributes[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** `usr.id` of a log. */
export function userIn({ usr }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof usr === 'object' && usr !== null && 'id' in usr && typeof usr.id === 'string' ? usr.id : undefined
}

/** What a log says in few words: `session seen (accepted)`, or the begin of its message. */
export function headlineOf({ attributes, message = '' }: IndexedLog): string {
  const evt = textIn(attributes, 'evt')
  if (evt === undefined) return message.slice(0, 80) || 'a log'
  const [outcome, action, reason] = ['outcome', 'action', 'reason'].map((name) => textIn(attributes, name))
  return [evt, outcome, action, reason && `(${reason})`].filter(Boolean).join(' ')
}
