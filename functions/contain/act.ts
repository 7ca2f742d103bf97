import { callRevoke, type RevokeCallDeps } from '../../shared/containment/revoke-call.ts'
import type { ServiceLog } from '../../shared/log.ts'
import { endedBy, tombstoneOf } from '../../shared/session/revocation.ts'
import type {
  BlockList,
  Containment,
  DeviceTokens,
  LiveSessions,
  RecentSignIn,
  RecentSignIns,
  SessionLedger,
  Users,
} from '../../shared/stores/port.ts'
import { mapLimited } from '../../shared/stores/tables/entity.ts'
import { blockEnd, cutOff, type Outcome, subjectOf } from './row.ts'

export interface ActDeps extends RevokeCallDeps {
  users: Pick<Users, 'bumpEpoch'>
  sessions: Pick<LiveSessions, 'listByUser' | 'raiseEpoch' | 'revoke' | 'successorsOf' | 'tombstone'>
  ledger: SessionLedger
  blocks: BlockList
  deviceTokens: Pick<DeviceTokens, 'revokeLineage'>
  recentSignIns: Pick<RecentSignIns, 'suspects'>
  absoluteSeconds: number
  warn: ServiceLog['warn']
}

const ENDED_AT_ONCE = 16
/**
 * The most sessions of one user that are ended one by one, newest first. One step has ended all of them; the sweeper
 * closes the remaining rows.
 */
const ENDED_MOST = 100

/**
 * The action of a containment, to be called until it does not throw. Each effect refers to the time of the alert and
 * is safe to repeat: a session that this containment ended earlier still counts.
 */
export function actionOf(row: Containment, deps: ActDeps): () => Promise<Outcome> {
  const subject = subjectOf(row)
  if (row.action === 'revoke' && subject?.kind === 'session') return revokeSession(row, subject.sid, deps)
  if (row.action === 'revoke_user' && subject?.kind === 'user') return () => revokeUser(row, subject.userId, deps)
  if (row.action === 'block_ip' && subject?.kind === 'network') return () => block(row, subject.network, deps)
  if (row.action === 'notify') return async () => ({ kind: 'done', result: 'success', via: 'direct' })
  throw new Error(`The action ${row.action} does not apply to the subject ${subject?.kind}.`)
}

/**
 * Asks web first, because it serves the session. If web does not answer, it is not asked again, and functions deletes
 * the same key in Redis.
 */
function revokeSession(row: Containment, sid: string, deps: ActDeps): () => Promise<Outcome> {
  const { detection, id } = row
  let webIsAway = false

  async function askWeb(): Promise<'success' | 'noop' | undefined> {
    try {
      return await callRevoke({ sid, detection, containmentId: id, reason: 'contained' }, deps)
    } catch (error) {
      webIsAway = true
      const fault = error instanceof Error ? error.message : 'unknown'
      deps.warn('web did not carry out a revoke; carrying it out directly', { fault, containment_id: id })
      return undefined
    }
  }
  return async () => {
    const byWeb = webIsAway ? undefined : await askWeb()
    const end = { reason: 'contained', containmentId: id } as const
    const at = deps.now()
    const result = byWeb ?? (await deps.sessions.revoke(sid, { ...end, at, by: 'direct' }, row.userId))
    // The ledger decides when Redis has lost data, so the session is closed here whoever revoked it.
    const userId = row.userId ?? (await deps.ledger.locate(sid))?.userId
    if (userId !== undefined) {
      for (const one of [sid, ...(await deps.sessions.successorsOf(sid))])
        await deps.ledger.close(userId, one, { ...end, state: 'revoked', at: new Date(at) })
    }
    // A Redis that took over before the ledger knew may have accepted the session as live.
    const left = await deps.sessions.tombstone(sid)
    if (!left) await deps.sessions.revoke(sid, { ...end, at, by: 'direct' }, userId)
    // The tombstone says who ended it: web may have acted although its answer was late, or functions in an earlier attempt.
    const writtenBy = left?.containmentId === id ? left.by : undefined
    return { kind: 'done', result, via: writtenBy ?? (byWeb ? 'web' : 'direct') }
  }
}

/** Ends the sessions that were open when the alert reached us. */
async function revokeUser(row: Containment, userId: string, deps: ActDeps): Promise<Outcome> {
  const why = { reason: 'contained', containmentId: row.id, openedBefore: cutOff(row).getTime() } as const
  const at = deps.now()
  const epoch = await deps.users.bumpEpoch(userId, why, new Date(at))
  if (epoch === undefined) return { kind: 'gone' }
  const revocation = { ...why, epoch, at }
  const live = (await deps.sessions.listByUser(userId, at)).filter((session) => endedBy(session, revocation))
  await deps.sessions.raiseEpoch(userId, revocation, at + deps.absoluteSeconds * 1000)

  // All have ended now. The rest closes their rows and counts them, including those of an earlier attempt.
  const issued = (await deps.ledger.listByUser(userId)).sort((a, b) => b.issuedAt.getTime() - a.issuedAt.getTime())
  const ended = issued.filter(({ containmentId }) => containmentId === row.id)
  const open = issued.filter(({ state, issuedAt }) => state === 'active' && issuedAt.getTime() < why.openedBefore)
  const sids = [...new Set([...live, ...open].map(({ sid }) => sid))].slice(0, ENDED_MOST)
  const tombstone = tombstoneOf(revocation)
  const results = await mapLimited(sids, ENDED_AT_ONCE, async (sid) => {
    const result = await deps.sessions.revoke(sid, tombstone, userId)
    if (result === 'success') await deps.ledger.close(userId, sid, { ...tombstone, state: 'revoked', at: new Date(at) })
    return result
  })
  const any = ended.length > 0 || results.includes('success')
  return { kind: 'done', result: any ? 'success' : 'noop', via: 'direct' }
}

async function block(row: Containment, network: string, deps: ActDeps): Promise<Outcome> {
  const expiresAt = blockEnd(row)
  await keepBlocked(network, row.id, expiresAt, deps)
  // After the block: any later sign-in from there meets it.
  const sessionsEnded = await endSuspects(network, row, deps)
  return { kind: 'done', result: 'success', via: 'direct', expiresAt, sessionsEnded }
}

/** Blocks a network. A block of another containment that ends later stays. */
export async function keepBlocked(
  network: string,
  containmentId: string,
  until: Date,
  deps: Pick<ActDeps, 'blocks' | 'now'>,
): Promise<void> {
  const blocked = await deps.blocks.blockedBy(network, deps.now())
  if (blocked && blocked.until >= until.getTime()) return
  await deps.blocks.block(network, { containmentId, until: until.getTime() })
}

/**
 * Ends the sessions that were opened from a network during an attack from it, except by devices that the account knew
 * before. A block alone would leave the attacker in every account whose password he found before it.
 * @returns how many sessions ended
 */
async function endSuspects(network: string, { id }: Containment, deps: ActDeps): Promise<number> {
  const end = { reason: 'contained', containmentId: id } as const
  const seen = new Set<string>()
  let died = 0
  const endOne = async ({ sid, userId, lineage }: RecentSignIn) => {
    const at = deps.now()
    const result = await deps.sessions.revoke(sid, { ...end, at, by: 'direct' }, userId)
    await deps.ledger.close(userId, sid, { ...end, state: 'revoked', at: new Date(at) })
    // A session that had already ended does not count here; its successor is another suspect.
    if (result === 'success' && (await deps.ledger.find(userId, sid))?.containmentId === id) died++
    // A block spares devices with a token of the account; this token was issued to the attacker.
    if (lineage !== undefined) await deps.deviceTokens.revokeLineage(userId, lineage)
  }
  for (;;) {
    // Repeats until none is left: a device whose token was just revoked may have signed in with it meanwhile.
    const found = (await deps.recentSignIns.suspects(network, deps.now())).filter(({ sid }) => !seen.has(sid))
    if (found.length === 0) return died
    for (const { sid } of found) seen.add(sid)
    await mapLimited(found, ENDED_AT_ONCE, endOne)
  }
}
