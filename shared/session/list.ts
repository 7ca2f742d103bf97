import type { LiveSessions, SessionLedger } from '../stores/port.ts'

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

/** The user's live sessions, newest first: the ledger knows which there were, Redis which still are. */
export async function listSessions(
  userId: string,
  currentSid: string,
  deps: { sessions: Pick<LiveSessions, 'readMany'>; ledger: Pick<SessionLedger, 'listByUser'>; now: () => number },
): Promise<ListedSession[]> {
  const rows = (await deps.ledger.listByUser(userId)).filter((row) => row.state === 'active')
  const live = await deps.sessions.readMany(
    rows.map((row) => row.sid),
    deps.now(),
  )
  const listed = rows.flatMap((row, index): ListedSession[] => {
    const session = live[index]
    if (!session) return []
    const { sid, device, ip, via } = row
    const [issued_at, last_seen_at] = [row.issuedAt.toISOString(), new Date(session.lastSeenAt).toISOString()]
    return [{ sid, device, ip, via, issued_at, last_seen_at, current: sid === currentSid }]
  })
  return listed.sort((a, b) => b.issued_at.localeCompare(a.issued_at))
}
