import { nameOf } from '../../shared/error.ts'
import type { Emit, NewEvent } from '../../shared/event.ts'
import type { ServiceLog } from '../../shared/log.ts'
import type { Announcement, BlockList, Containment, ContainmentLedger } from '../../shared/stores/port.ts'
import type { Again } from './persistence.ts'
import { announced, subjectOf } from './row.ts'

export interface AnnounceDeps {
  containments: Pick<ContainmentLedger, 'revise'>
  blocks: BlockList
  emit: Emit
  warn: ServiceLog['warn']
}

/**
 * Emits the event that a row owes, and notes that it has been. A process that dies in between leaves it owed: then it is
 * emitted once more, under the same request id, so that whoever counts requests counts it once.
 */
export async function announce(row: Containment, deps: AnnounceDeps, again: Again): Promise<Containment> {
  const owed = row.announce
  if (!owed) return row
  // An operator's undoing counts before the event says so, also if it died half-way.
  if (row.state === 'undone') await again(() => liftBlock(row, deps))
  deps.emit(eventOf(row, owed))
  const { announce: _, ...rest } = row
  try {
    return (await again(() => deps.containments.revise(row.detection, row.id, announced(owed)))) ?? rest
  } catch (error) {
    deps.warn('the event of a containment is emitted, but that could not be noted: the sweeper emits it again', {
      containment_id: row.id,
      fault: nameOf(error),
    })
    return rest
  }
}

/** Lifts the block of a row, if it is still this row's. */
export async function liftBlock(row: Containment, deps: Pick<AnnounceDeps, 'blocks'>): Promise<void> {
  const subject = subjectOf(row)
  if (row.action === 'block_ip' && subject?.kind === 'network') await deps.blocks.unblock(subject.network, row.id)
}

type ContainEvent = Extract<NewEvent, { evt: 'contain' }>

const LEVELS = { success: 'info', noop: 'info', refused: 'error', fail: 'error', undone: 'warn' } as const

function eventOf(row: Containment, { outcome, reason, requestId, sessionsEnded }: Announcement): ContainEvent {
  const { action, detection, id, userId, operator, why, via = 'direct' } = row
  const subject = subjectOf(row)
  return {
    evt: 'contain',
    outcome,
    ...(reason !== undefined && { reason }),
    action,
    detection,
    containment_id: id,
    ...(subject?.kind === 'session' && { sid: subject.sid }),
    ...(action === 'block_ip' && subject?.kind === 'network' && { blocked_network: subject.network }),
    ...(userId !== undefined && { usr: { id: userId } }),
    ...(operator !== undefined && { operator }),
    ...(why !== undefined && { why }),
    ...(sessionsEnded !== undefined && { sessions_ended: sessionsEnded }),
    via,
    request_id: requestId,
    level: outcome === 'noop' && reason !== undefined ? 'warn' : LEVELS[outcome],
  }
}
