import type { Log } from '../../log.ts'

/** A log that may have a date of its own, epoch ms. */
export type DatedLog = Log & { readonly timestamp?: number }

/** What becomes of the matches of a search: text for the output, piece by piece. */
export interface Printer {
  /** @param raw the bytes of the line, valid only during the call */
  add(log: DatedLog, raw: () => Buffer): void
  /** Takes what may be printed so far. */
  take(): Buffer
  /** Takes the rest, after the last match. */
  end(): Buffer
}

/** Prints each match through `text`. */
function eachMatch(text: (log: DatedLog, raw: () => Buffer) => Buffer): Printer {
  let found: Buffer[] = []
  const take = () => {
    const taken = Buffer.concat(found)
    found = []
    return taken
  }
  return { add: (log, raw) => void found.push(text(log, raw)), take, end: take }
}

/** Each match as it stands in the log. Copied, because the buffer of a line is reused; as bytes, because they may not be UTF-8. */
export const rawLines = (): Printer => eachMatch((_log, raw) => Buffer.from(raw()))

/** Each match as the log that Datadog makes of it, one line of JSON. */
export const jsonLines = (): Printer =>
  eachMatch((log) => {
    const { service, host, status, source, tags, message, attributes } = log
    const timestamp = dateText(log) ?? null
    return jsonLine({ timestamp, service, host, status, source, tags, message, attributes })
  })

export const jsonLine = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`)

/** The log's own date in ISO 8601; undefined where it has none. */
export const dateText = ({ timestamp = Number.NaN }: DatedLog): string | undefined =>
  Number.isFinite(timestamp) ? new Date(timestamp).toISOString() : undefined
