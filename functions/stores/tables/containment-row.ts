import type { TableEntityResult } from '@azure/data-tables'
import * as z from 'zod'
import type { Announcement, Containment } from '../../../shared/stores/port.ts'
import { isOpen } from '../../contain/row.ts'

/** A row of the table. An older release, a manual edit or a backup may have written anything. */
export type ContainmentEntity = TableEntityResult<Record<string, unknown>>

const RowDate = z.date()
const Text = z.string()
/** Without one of these the next step is unknown. */
const Essential = z.object({
  scope: Text.min(1),
  action: z.enum(['revoke', 'revoke_user', 'block_ip', 'notify']),
  state: z.enum(['pending', 'done', 'held', 'failed', 'undone', 'closed']),
  alertedAt: RowDate,
})
const REASONS = [
  ...(['cap', 'policy', 'stale', 'recovered', 'expired', 'duplicate'] as const),
  ...(['policy_gone', 'policy_changed', 'subject_gone', 'unreadable'] as const),
] as const
const Owed = z.object({
  outcome: z.enum(['success', 'noop', 'observed', 'refused', 'fail', 'undone']),
  requestId: Text.min(1),
  reason: z.enum(REASONS).exclude(['duplicate']).optional(),
  sessionsEnded: z.number().int().min(0).optional(),
})
const OPTIONAL = {
  result: z.enum(['success', 'noop', 'observed']),
  reason: z.enum(REASONS),
  via: z.enum(['web', 'direct']),
  userId: Text,
  operator: Text,
  why: Text,
  holder: Text,
  renewedAt: RowDate,
  expiresAt: RowDate,
  admitted: z.literal(true),
  recovered: z.literal(true),
  approved: z.literal(true),
  unreadable: z.literal(true),
} satisfies Partial<Record<keyof Containment, z.ZodType>>

const optional = (row: ContainmentEntity) =>
  Object.entries(OPTIONAL).flatMap(([name, schema]) => {
    const { data } = schema.safeParse(row[name])
    return data === undefined || data === '' ? [] : [[name, data]]
  })

/**
 * Reads any row, so that one broken row cannot hide the others. Its keys are its detection and id. A wrong value that
 * only affects the order of work is corrected. A row without essential data is marked `unreadable`, then failed and
 * paged. A row with an unreadable state counts as pending.
 */
export function containmentOf(row: ContainmentEntity): Containment {
  const { partitionKey: detection = '', rowKey: id = '' } = row
  const known = Essential.safeParse(row)
  const date = (name: string) => RowDate.safeParse(row[name]).data
  const [createdAt, updatedAt, alertedAt] = [date('createdAt'), date('updatedAt'), date('alertedAt')]
  const first = createdAt ?? alertedAt ?? updatedAt ?? new Date(row.timestamp ?? 0)
  const last = updatedAt ?? first
  const { scope, action, state } = Essential.shape
  const announce = owedBy(row.announce)
  return {
    id,
    detection,
    cycle: Text.catch('').parse(row.cycle),
    alertId: Text.catch('').parse(row.alertId),
    scope: scope.catch('').parse(row.scope),
    action: action.catch('notify').parse(row.action),
    state: state.catch('pending').parse(row.state),
    alertedAt: alertedAt ?? first,
    createdAt: first,
    updatedAt: last,
    nextAt: date('nextAt') ?? last,
    attempts: z.number().int().min(0).catch(0).parse(row.attempts),
    ...Object.fromEntries(optional(row)),
    ...(!known.success && { unreadable: true }),
    ...(announce && { announce }),
  }
}

function owedBy(text: unknown): Announcement | undefined {
  if (typeof text !== 'string' || text === '') return undefined
  try {
    return Owed.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** `open`: whether the row is in the index of open rows. */
export const entityOf = ({ announce, ...row }: Containment) => ({
  partitionKey: row.detection,
  rowKey: row.id,
  ...row,
  open: isOpen(announce ? { ...row, announce } : row, row.updatedAt),
  ...(announce && { announce: JSON.stringify(announce) }),
})
