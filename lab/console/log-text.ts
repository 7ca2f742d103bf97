import type { IndexedLog } from 'alertproof'

/** A longer text names no session, no user and no address of ours. */
const MAX_NAME = 1_024
/** Longer texts are cut in what is shown. */
const MAX_TEXT = 4_096
const MAX_LINE = 64 * 1_024

/** A log on one line: its reserved attributes, then those of its JSON. Of a very long one, the begin of each text. */
export function lineOf({ timestamp, service, host, source, status, tags, message, attributes }: IndexedLog): string {
  const at = Number.isFinite(timestamp) ? new Date(timestamp).toISOString() : undefined
  const shown = { timestamp: at, service, host, source, status, tags, message, ...attributes }
  const line = JSON.stringify(shown)
  return line.length <= MAX_TEXT
    ? line
    : cut(
        JSON.stringify(shown, (_, value) => shortened(value)),
        MAX_LINE,
      )
}

const shortened = (value: unknown): unknown => (typeof value === 'string' ? cut(value, MAX_TEXT) : value)

/** The begin of a text, as a text of its own: a part of a long text would keep all of it in memory. */
export const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${Buffer.from(text.slice(0, most)).toString()}…`

/** A text attribute of a log; undefined for any other value, and for a text that is too long to be a name. */
export function textIn(attributes: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = attributes[name]
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME ? value : undefined
}

/** `usr.id` of a log. */
export function userIn({ usr }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof usr === 'object' && usr !== null ? textIn({ ...usr }, 'id') : undefined
}

/** What a log says, and of which address: `session seen (accepted), 203.0.113.9`. */
export function sentenceOf(log: IndexedLog): string {
  const ip = textIn(log.attributes, 'ip')
  return ip === undefined ? headlineOf(log) : `${headlineOf(log)}, ${ip}`
}

/** What a log says in few words: `session seen (accepted)`, or the begin of its message. */
export function headlineOf({ attributes, message = '' }: IndexedLog): string {
  const evt = textIn(attributes, 'evt')
  if (evt === undefined) return message.slice(0, 80) || 'a log'
  const [outcome, action, reason] = ['outcome', 'action', 'reason'].map((name) => textIn(attributes, name))
  return [evt, outcome, action, reason && `(${reason})`].filter(Boolean).join(' ')
}
