import type { Emit, NewEvent } from '../event.ts'
import { type EndAllDeps, endAll } from '../session/end.ts'
import type {
  BlockList,
  Containment,
  ContainmentLedger,
  DeviceTokens,
  Entrance,
  Entrances,
  LiveSessions,
  SessionLedger,
  Users,
} from '../stores/port.ts'
import { BLOCK_MS, policyFor } from './policy.ts'
import { callRevoke, type RevokeCallDeps } from './revoke-call.ts'
import { readScope, type Subject } from './subject.ts'

const ENDED_AT_ONCE = 16

export interface CarryOutDeps extends RevokeCallDeps, EndAllDeps {
  users: Pick<Users, 'bumpEpoch'>
  sessions: EndAllDeps['sessions'] & Pick<LiveSessions, 'tombstone' | 'end'>
  ledger: SessionLedger
  blocks: BlockList
  deviceTokens: Pick<DeviceTokens, 'revokeLineage'>
  entrances: Pick<Entrances, 'suspects'>
  containments: ContainmentLedger
  mayBlock: (network: string) => boolean
  emit: Emit
}

type Done = Pick<Containment, 'result' | 'via' | 'expiresAt'>
/** `silent` when web carried it out: the event is then web's. `ended`: sessions that died beside the subject. */
type Act = Done & { silent?: boolean; ended?: number }

/**
 * Carries out a claimed containment and writes down what came of it. Safe to repeat: what has been done is done
 * again without effect, and a session that is dead already is success.
 * @throws if a store fails; the row stays `pending` and is finished by a retry or by the sweeper
 */
export async function carryOut(row: Containment, requestId: string, deps: CarryOutDeps): Promise<Containment> {
  const subject = subjectOf(row)
  const event = eventOf(row, subject, requestId)
  const move = (change: Partial<Containment>) => moveOn(row, change, ['pending', 'held', 'failed', 'done'], deps)
  if (row.action === 'block_ip' && subject.kind === 'network' && !deps.mayBlock(subject.network)) {
    deps.emit({ ...event, outcome: 'refused', reason: 'policy', via: 'direct', level: 'error' })
    return move({ state: 'held', reason: 'policy' })
  }
  const { silent, ended, ...done } = await act(row, subject, deps)
  const count = ended === undefined ? {} : { sessions_ended: ended }
  if (!silent) deps.emit({ ...event, ...count, outcome: done.result ?? 'success', via: 'direct' })
  return move({ ...done, state: 'done', reason: undefined })
}

/**
 * Does again what an open alert asks to have kept up: a block begins anew, also where it had run out. It is the same
 * containment, whose event was written when it was first carried out.
 * @returns the row; one that an operator undid meanwhile keeps neither the new state nor the new block
 */
export async function renew(row: Containment, requestId: string, deps: CarryOutDeps): Promise<Containment> {
  if (row.action !== 'block_ip') return carryOut(row, requestId, { ...deps, emit: () => undefined })
  const subject = subjectOf(row)
  if (subject.kind !== 'network' || !deps.mayBlock(subject.network)) return row
  const { ended: _, silent: __, ...done } = await act(row, subject, deps)
  const renewed = await moveOn(row, { ...done, state: 'done', reason: undefined }, ['done', 'closed'], deps)
  const now = await deps.containments.find(row.detection, row.id)
  if (now?.state === 'undone') await deps.blocks.unblock(subject.network, row.id)
  return now ?? renewed
}

async function moveOn(
  row: Containment,
  change: Partial<Containment>,
  from: readonly Containment['state'][],
  deps: Pick<CarryOutDeps, 'containments' | 'now'>,
): Promise<Containment> {
  const moved = { ...row, ...change, attempts: row.attempts + 1, updatedAt: new Date(deps.now()) }
  await deps.containments.revise(row.detection, row.id, ({ state }) => (from.includes(state) ? moved : undefined))
  return moved
}

/** The subject that the alert named, read back from the row. */
export function subjectOf(row: Pick<Containment, 'detection' | 'scope'>): Subject {
  const policy = policyFor(row.detection)
  const subject = policy && readScope(row.scope, policy.groupBy)
  if (!subject) throw new Error(`containment of an unknown detection or scope: ${row.detection}`)
  return subject
}

type ContainEvent = Extract<NewEvent, { evt: 'contain' }>

export function eventOf(row: Containment, subject: Subject, requestId: string): Omit<ContainEvent, 'outcome' | 'via'> {
  const { action, detection, id, userId, operator, why } = row
  return {
    evt: 'contain',
    action,
    detection,
    containment_id: id,
    request_id: requestId,
    ...(subject.kind === 'session' && { sid: subject.sid }),
    ...(action === 'block_ip' && subject.kind === 'network' && { blocked_network: subject.network }),
    ...(userId !== undefined && { usr: { id: userId } }),
    ...(operator !== undefined && { operator }),
    ...(why !== undefined && { why }),
  }
}

async function act(row: Containment, subject: Subject, deps: CarryOutDeps): Promise<Act> {
  if (row.action === 'revoke' && subject.kind === 'session') return revoke(row, subject.sid, deps)
  if (row.action === 'revoke_user' && subject.kind === 'user') {
    const why = { reason: 'contained', containmentId: row.id } as const
    const at = deps.now()
    const epoch = await deps.users.bumpEpoch(subject.userId, why, new Date(at))
    const died = epoch === undefined ? 0 : await endAll(subject.userId, { ...why, epoch, at }, deps)
    return { result: died > 0 ? 'success' : 'noop', via: 'direct' }
  }
  if (row.action === 'block_ip' && subject.kind === 'network') {
    const until = deps.now() + BLOCK_MS
    await deps.blocks.block(subject.network, { containmentId: row.id, until })
    // Only now: whatever is opened from there later meets the block.
    const ended = await endSuspects(subject.network, row, deps)
    return { result: 'success', via: 'direct', expiresAt: new Date(until), ended }
  }
  if (row.action === 'notify') return { result: 'success', via: 'direct' }
  throw new Error(`no way to ${row.action} a ${subject.kind}`)
}

/**
 * Ends what was opened from a network while it was attacked from, and not by a device that the account knew before: a
 * block alone would leave an attacker in every account whose password fitted before it.
 * @returns how many sessions died
 */
async function endSuspects(network: string, { id }: Containment, deps: CarryOutDeps): Promise<number> {
  const end = { reason: 'contained', containmentId: id } as const
  const seen = new Set<string>()
  let died = 0
  const work = async (left: Iterable<Entrance>) => {
    for (const { sid, userId, lineage } of left) {
      const at = deps.now()
      if ((await deps.sessions.revoke(sid, { ...end, at })) === 'success') died++
      await deps.ledger.close(userId, sid, { ...end, state: 'revoked', at: new Date(at) })
      // A block spares devices with a token of the account; this token was issued to the attacker.
      if (lineage !== undefined) await deps.deviceTokens.revokeLineage(userId, lineage)
    }
  }
  for (;;) {
    // Repeated until there are none: a device whose token was just revoked may have signed in with it meanwhile.
    const found = (await deps.entrances.suspects(network, deps.now())).filter(({ sid }) => !seen.has(sid))
    if (found.length === 0) return died
    for (const { sid } of found) seen.add(sid)
    const left = found.values()
    await Promise.all(Array.from({ length: ENDED_AT_ONCE }, () => work(left)))
  }
}

/** Web first: it serves the session. If it does not answer, the same key in Redis is ours to delete as well. */
async function revoke(row: Containment, sid: string, deps: CarryOutDeps): Promise<Act> {
  const { detection, id } = row
  try {
    const result = await callRevoke({ sid, detection, containmentId: id, reason: 'contained' }, deps)
    return { result, via: 'web', silent: true }
  } catch (error) {
    deps.warn('web did not carry out a revoke; carrying it out directly', {
      fault: messageOf(error),
      containment_id: id,
    })
  }
  const at = deps.now()
  const result = await deps.sessions.revoke(sid, { reason: 'contained', at, containmentId: id })
  const left = result === 'noop' ? await deps.sessions.tombstone(sid) : undefined
  if (row.userId !== undefined) {
    await deps.ledger.close(row.userId, sid, {
      state: 'revoked',
      at: new Date(at),
      reason: 'contained',
      containmentId: id,
    })
  }
  // A tombstone of this containment that is not the one just left is web's: only its answer was lost, not its event.
  const webDidIt = row.attempts === 0 && left?.containmentId === id && left.at !== at
  return webDidIt ? { result: 'success', via: 'web', silent: true } : { result, via: 'direct' }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'unknown')
