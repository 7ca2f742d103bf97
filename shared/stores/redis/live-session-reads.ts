import type { Redis } from 'ioredis'
import { endedBy } from '../../session/revocation.ts'
import type { LiveSession, LiveSessions, Revocation } from '../port.ts'
import {
  buriedAs,
  indexKey,
  isTombstone,
  ownerKey,
  readOwner,
  readRevocation,
  readSession,
  tombstoneKey,
} from './live-session-record.ts'
import { successorsOf } from './live-session-revoke.ts'
import type { Verification } from './live-session-verification.ts'

/** The number of sids of a user that one command reads. */
const PAGE = 200

type Reads = Pick<
  LiveSessions,
  'read' | 'readMany' | 'listByUser' | 'ownerOf' | 'revocationOf' | 'tombstone' | 'successorsOf'
>

/** What is read of live sessions without using one. */
export function createReads(redis: Redis, verification: Verification): Reads {
  return {
    async read(sid, now) {
      const userId = await readOwner(redis, sid)
      if (userId === undefined) return undefined
      const at = await verification.enter()
      const [found, revocation] = await Promise.all([
        readSession(redis, userId, sid, now),
        readRevocation(redis, userId),
      ])
      return judged(await verification.verified(found, at), revocation)
    },
    readMany: (sids, now) => Promise.all(sids.map((sid) => readUnverified(redis, sid, now))),
    listByUser: (userId, now) => listByUser(redis, userId, now, verification),
    ownerOf: (sid) => readOwner(redis, sid),
    revocationOf: (userId) => readRevocation(redis, userId),
    async tombstone(sid) {
      const owner = await redis.get(ownerKey(sid))
      if (owner === null) return undefined
      const text = isTombstone(owner) ? owner : await redis.get(tombstoneKey(owner, sid))
      return text === null ? undefined : buriedAs(text)
    },
    successorsOf: (sid) => successorsOf(redis, sid),
  }
}

async function readUnverified(redis: Redis, sid: string, now: number): Promise<LiveSession | undefined> {
  const userId = await readOwner(redis, sid)
  if (userId === undefined) return undefined
  const [found, revocation] = await Promise.all([readSession(redis, userId, sid, now), readRevocation(redis, userId)])
  return judged(found?.session, revocation)
}

async function listByUser(
  redis: Redis,
  userId: string,
  now: number,
  verification: Verification,
): Promise<LiveSession[]> {
  const at = await verification.enter()
  const sids = await redis.zrange(indexKey(userId), '0', String(PAGE - 1))
  const [revocation, loaded] = await Promise.all([
    readRevocation(redis, userId),
    Promise.all(sids.map((sid) => readSession(redis, userId, sid, now))),
  ])
  const gone = sids.filter((_, index) => !loaded[index])
  if (gone.length > 0) await redis.zrem(indexKey(userId), ...gone)
  const sessions = await Promise.all(loaded.map((found) => verification.verified(found, at)))
  return sessions.flatMap((session) => judged(session, revocation) ?? [])
}

/** The session in the present epoch; undefined if its epoch is over. */
function judged(session: LiveSession | undefined, revocation: Revocation | undefined): LiveSession | undefined {
  if (!session || endedBy(session, revocation)) return undefined
  return { ...session, epoch: Math.max(session.epoch, revocation?.epoch ?? 0) }
}
