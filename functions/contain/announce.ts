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
 * Emits the pending event of a row and records that. If the process dies in between, the event is emitted again with
 * the same request id, so it counts once.
 */
export async function announce(row: Containment, deps: AnnounceDeps, again: Again): Promise<Containment> {
  const owed = row.announce
  if (!owed) return row
  // The undo must take effect before its event, even if it failed half-way.
  if (row.state === 'undone') await again(() => liftBlock(row, deps))
  deps.emit(eventOf(row, owed))
  const { announce: _, ...rest } = row
  try {
    return (await again(() => deps.containments.revise(row.detection, row.id, announced(owed)))) ?? rest
  } catch (error) {
    deps.warn(
      'The event of a containment was emitted, but this could not be recorded: the sweeper will emit it again.',
      {
        containment_id: row.id,
        fault: nameOf(error),
      },
    )
    return rest
  }
}

/** Removes the block of a row, if it still belongs to this row. */
export async function liftBlock(row: Containment, deps: Pick<AnnounceDeps, 'blocks'>): Promise<void> {
  const subject = subjectOf(row)
  if (row.action === 'block_ip' && subject?.kind === 'network') await deps.blocks.unblock(subject.network, row.id)
}

type ContainEvent = Extract<NewEvent, { evt: 'contain' }>

const LEVELS = {
  success: 'info',
  noop: 'info',
  observed: 'info',
  refused: 'error',
  fail: 'error',
  undone: 'warn',
} as const

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
