// What Redis stores of live sessions: the keys, and how the values are read.

import type { Redis } from 'ioredis'
import { revocationOf, tombstoneOf } from '../../session/revocation.ts'
import { unchecked } from '../../unchecked.ts'
import type { LiveSession, NewSession, Revocation, Tombstone } from '../port.ts'

export type Facts = NewSession & Pick<LiveSession, 'createdAt'>

/**
 * The hash tag keeps all keys of a user in one slot of a cluster, because one script judges a session and its epoch.
 */
export const sessionKey = (userId: string, sid: string) => `session:{${userId}}:${sid}`
export const tombstoneKey = (userId: string, sid: string) => `${sessionKey(userId, sid)}:tomb`
export const successorKey = (userId: string, sid: string) => `${sessionKey(userId, sid)}:next`
export const indexKey = (userId: string) => `user:{${userId}}:sessions`
export const endedKey = (userId: string) => `user:{${userId}}:ended`
export const keysOf = (userId: string, sid: string) => [sessionKey(userId, sid), tombstoneKey(userId, sid)]
export const judgedKeysOf = (userId: string, sid: string) => [...keysOf(userId, sid), endedKey(userId)]
/** The owner of a sid, or its tombstone if it was revoked before it had an owner. */
export const ownerKey = (sid: string) => `sid:${sid}`
export const isTombstone = (owner: string) => owner.startsWith('{')

/** @returns undefined for data of another writer: a session that cannot be read does not exist */
export function factsOf(text: string): Facts | undefined {
  try {
    const facts = unchecked<Facts>(JSON.parse(text))
    const readable = typeof facts.userId === 'string' && Number.isInteger(facts.epoch) && Array.isArray(facts.amr)
    return readable ? facts : undefined
  } catch {
    return undefined
  }
}
export const sessionOf = (text: unknown, seen: unknown, gen: unknown): LiveSession | undefined => {
  const facts = factsOf(String(text))
  return facts && { ...facts, lastSeenAt: Number(seen), gen: Number(gen) }
}
export const parseTombstone = (text: string): Tombstone => unchecked(JSON.parse(text))
/** Drops the mark of a session that was already gone, which only its own containment needs. */
export const buriedAs = (text: string): Tombstone => tombstoneOf(parseTombstone(text))

export async function readOwner(redis: Redis, sid: string): Promise<string | undefined> {
  const owner = await redis.get(ownerKey(sid))
  return owner === null || isTombstone(owner) ? undefined : owner
}

/** A session as it is stored, with the incarnation of Redis under which it was last compared with the ledger. */
export interface StoredSession {
  session: LiveSession
  inc: string
}

/** Reads a session that has not expired. */
export async function readSession(
  redis: Redis,
  userId: string,
  sid: string,
  now: number,
): Promise<StoredSession | undefined> {
  const key = sessionKey(userId, sid)
  const [facts, seen, gen, deadline, inc] = await redis.hmget(key, 'facts', 'seen', 'gen', 'deadline', 'inc')
  const session = facts && now < Number(deadline) ? sessionOf(facts, seen, gen) : undefined
  return session && { session, inc: inc ?? '' }
}

/** Reads why the sessions of a user from earlier epochs are over. */
export async function readRevocation(redis: Redis, userId: string): Promise<Revocation | undefined> {
  const [all, allTombstone, some, someTombstone, openedBefore] = await redis.hmget(
    endedKey(userId),
    'all',
    'allTombstone',
    'some',
    'someTombstone',
    'openedBefore',
  )
  return revocationOf(
    allTombstone ? { ...parseTombstone(allTombstone), epoch: Number(all) } : undefined,
    someTombstone
      ? { ...parseTombstone(someTombstone), epoch: Number(some), openedBefore: Number(openedBefore) }
      : undefined,
  )
}
