import { createHash } from 'node:crypto'

/**
 * A key for something a client typed or an alert named: hashed, so that no input chooses its length or its form, and
 * none can be read out of the store.
 */
export const hashedKey = (kind: string, text: string): string =>
  `${kind}:${createHash('sha256').update(text).digest('hex')}`

/**
 * How much longer a key lives than what it holds: the value says when it is over, the TTL only tidies up, and the
 * clocks of two hosts and of the store differ a little.
 */
export const TTL_MARGIN_MS = 60_000

/** TTL of a key whose value is over at `until`. @param until epoch ms */
export const ttlUntil = (until: number): number => Math.ceil(Math.max(0, until - Date.now())) + TTL_MARGIN_MS
