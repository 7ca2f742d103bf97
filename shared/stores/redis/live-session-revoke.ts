import type { Redis } from 'ioredis'
import { unchecked } from '../../unchecked.ts'
import type { Tombstone } from '../port.ts'
import { isTombstone, keysOf, ownerKey, readOwner, successorKey } from './live-session-record.ts'
import { revokeSession } from './live-session-scripts.ts'

/** How long an unknown sid stays revoked: no session says how long its tokens live. */
const UNKNOWN_SESSION_MS = 24 * 3_600_000
/** A tombstone outlives the last token of the session, so that a repeated containment finds its own work. */
export const TOMBSTONE_MARGIN_MS = 3_600_000
/** The longest chain of replaced sessions that is followed. */
const LONGEST_CHAIN = 100

/** What the revocation of one session did: whether it ended the session, and which session replaced that one. */
interface Revoked {
  died: boolean
  next: string | undefined
}

/**
 * Stores the owner of a sid for as long as its tombstone may be needed. @returns the stored owner, if there was one
 */
export async function claimSid(redis: Redis, sid: string, owner: string, ttlMs: number): Promise<string | undefined> {
  const claimed = await redis.set(ownerKey(sid), owner, 'PX', ttlMs, 'NX')
  return claimed === 'OK' ? undefined : ((await redis.get(ownerKey(sid))) ?? undefined)
}

/** Revokes a session and the sessions that replaced it; see `LiveSessions.revoke`. */
export async function revoke(
  redis: Redis,
  sid: string,
  tombstone: Tombstone,
  userId: string | undefined,
): Promise<'success' | 'noop'> {
  let { died, next } = await revokeOne(redis, sid, tombstone, userId)
  for (let links = 1; next !== undefined && links < LONGEST_CHAIN; links++) {
    const one = await revokeOne(redis, next, tombstone, undefined)
    died ||= one.died
    next = one.next
  }
  return died ? 'success' : 'noop'
}

async function revokeOne(redis: Redis, sid: string, tombstone: Tombstone, known: string | undefined): Promise<Revoked> {
  const ttlMs = UNKNOWN_SESSION_MS + TOMBSTONE_MARGIN_MS
  if (known !== undefined) {
    const [revoked] = await Promise.all([revokeOwned(redis, known, sid, tombstone), claimSid(redis, sid, known, ttlMs)])
    return revoked
  }
  const owner = (await readOwner(redis, sid)) ?? (await claimSid(redis, sid, JSON.stringify(tombstone), ttlMs))
  if (owner === undefined || isTombstone(owner)) return { died: false, next: undefined }
  return revokeOwned(redis, owner, sid, tombstone)
}

async function revokeOwned(redis: Redis, userId: string, sid: string, tombstone: Tombstone): Promise<Revoked> {
  const text = JSON.stringify(tombstone)
  const gone = JSON.stringify({ ...tombstone, gone: true })
  const { containmentId } = tombstone
  const own = containmentId === undefined ? '' : JSON.stringify({ containmentId }).slice(1, -1)
  const args = [tombstone.at, text, UNKNOWN_SESSION_MS, TOMBSTONE_MARGIN_MS, gone, own]
  const [died, next] = unchecked<[died: number, next: string | null]>(
    await revokeSession(redis, [...keysOf(userId, sid), successorKey(userId, sid)], args),
  )
  return { died: died === 1, next: next ?? undefined }
}

/** The chain of sessions that replaced this one. */
export async function successorsOf(redis: Redis, sid: string): Promise<string[]> {
  const successors: string[] = []
  for (let last: string = sid; successors.length < LONGEST_CHAIN; ) {
    const userId = await readOwner(redis, last)
    const next: string | null = userId === undefined ? null : await redis.get(successorKey(userId, last))
    if (next === null) break
    successors.push(next)
    last = next
  }
  return successors
}
