import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import type { Writable } from 'node:stream'
import { addressFields } from '../shared/client/address.ts'

/**
 * Logs of one service that differ in what a reader and a detection have to do: as the app writes it; of three times as many users
 * and sessions; with many escapes in the texts; with a message of 2 KB.
 */
export type Shape = 'service' | 'groups' | 'escapes' | 'long'

/** Writes one hour of a busy service as the app logs it. The same number of events is always the same file. */
export async function writeEvents(file: string, events: number, shape: Shape = 'service'): Promise<void> {
  await writeLines(createWriteStream(file), eventLines(events, 3_600_000 / events, shape))
}

/** Writes lines to a stream no faster than it takes them, and ends it. */
export async function writeLines(out: Writable, lines: Iterable<string>): Promise<void> {
  const closed = once(out, 'close')
  for (const line of lines) if (!out.write(line)) await once(out, 'drain')
  out.end()
  await closed
}

/**
 * A log as the app writes it, line by line: two fifths sign-ins, the rest session uses; one attacking address and one stolen
 * session in every thousand events.
 */
export function* eventLines(events: number, everyMs: number, shape: Shape = 'service'): Generator<string> {
  const users = shape === 'groups' ? 60_000 : 20_000
  const random = mulberry32(1)
  const begin = Date.UTC(2026, 0, 5, 9)
  for (let i = 0; i < events; i++) {
    const plain = event(new Date(begin + i * everyMs).toISOString(), random, users)
    yield `${JSON.stringify({ ...plain, ...extraFields(shape, random) })}\n`
  }
}

/** Pieces of text that JSON escapes, and one that it does not. */
const ESCAPED = ['\\', '"', '\n', '\t', 'C:\\Users\\', '/path']

function extraFields(shape: Shape, random: () => number): object {
  if (shape === 'long') return { message: `request handled in ${random()} s. `.repeat(60) }
  if (shape !== 'escapes') return {}
  const text = (pieces: number) =>
    Array.from({ length: pieces }, () => `${ESCAPED[Math.floor(random() * ESCAPED.length)]}ab`).join('')
  return { user_agent: text(40), detail: text(20) }
}

function event(timestamp: string, random: () => number, users: number): object {
  const below = (limit: number) => Math.floor(random() * limit)
  const user = below(users)
  const hostile = random() < 0.001
  const login = random() < 0.4
  const failed = login && (hostile || random() < 0.1)
  const session = {
    usr: { id: `0b7c3b0e-52b1-4d7a-8a8f-${String(user).padStart(12, '0')}` },
    sid: `session-${String(user).padStart(14, '0')}`,
  }
  const request = {
    ...addressFields(hostile ? '203.0.113.9' : `10.${user % 7}.${user % 211}.${user % 199}`),
    user_agent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
    device_hash: (hostile ? 'f' : '0') + String(user).padStart(31, '0'),
    via: 'web',
    request_id: `6f1c1a3e-8f5d-4a57-9f0e-${String(below(1e12)).padStart(12, '0')}`,
  }
  const envelope = { timestamp, level: failed ? 'warn' : 'info', service: 'mini-ato-saas', env: 'prod' }
  if (!login) return { ...envelope, evt: 'session', outcome: 'seen', reason: 'accepted', ...request, ...session }
  const email = { email: `user${user}@example.test` }
  if (failed)
    return {
      ...envelope,
      evt: 'login',
      outcome: 'fail',
      reason: 'wrong_password',
      ...request,
      ...email,
      usr: { exists: true },
    }
  return { ...envelope, evt: 'login', outcome: 'success', ...request, ...email, ...session, device_known: true }
}

/** A small seeded generator, so that every run measures the same log. @see https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
