import type { LiveSessions } from '../stores/port.ts'

export interface ListedSession {
  sid: string
  device: string
  ip: string
  via: 'web' | 'api'
  /** ISO 8601 */
  issued_at: string
  last_seen_at: string
  current: boolean
}

/**
 * The live sessions of the user, newest first. Reads the index in Redis, so the time does not depend on the size of
 * the ledger.
 */
export async function listSessions(
  userId: string,
  currentSid: string,
  deps: { sessions: Pick<LiveSessions, 'listByUser'>; now: () => number },
): Promise<ListedSession[]> {
  const live = await deps.sessions.listByUser(userId, deps.now())
  const listed = live.map(({ sid, device, ip, via, createdAt, lastSeenAt }): ListedSession => {
    const [issued_at, last_seen_at] = [new Date(createdAt).toISOString(), new Date(lastSeenAt).toISOString()]
    return { sid, device, ip, via, issued_at, last_seen_at, current: sid === currentSid }
  })
  return listed.sort((a, b) => b.issued_at.localeCompare(a.issued_at))
}
