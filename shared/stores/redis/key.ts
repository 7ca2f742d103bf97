import { createHash } from 'node:crypto'

/**
 * A key made from client text or from an alert. It is hashed, so that no input chooses its length or form, and nobody
 * can read the text out of the store.
 */
export const hashedKey = (kind: string, text: string): string =>
  `${kind}:${createHash('sha256').update(text).digest('hex')}`

/**
 * How much longer a key lives than its value is valid. The value itself says when it is over; the TTL only cleans up,
 * and the clocks of hosts and store differ a little.
 */
export const TTL_MARGIN_MS = 60_000

/** TTL of a key whose value is over at `until`. @param until epoch ms */
export const ttlUntil = (until: number): number => Math.ceil(Math.max(0, until - Date.now())) + TTL_MARGIN_MS
