import { similarName, UsageError } from 'alertproof/cli'
import { DETECTIONS } from '../../shared/containment/policy.ts'
import { CONTAIN_REASONS } from '../../shared/event.ts'
import type { Containment, ContainmentLedger, ContainmentReason, ContainmentState } from '../../shared/stores/port.ts'

export const STATES = ['pending', 'done', 'held', 'failed', 'undone', 'closed'] as const satisfies ContainmentState[]
export const REASONS = CONTAIN_REASONS satisfies readonly ContainmentReason[]

/** The filters that choose rows. */
export interface Selection {
  readonly states?: readonly ContainmentState[] | undefined
  readonly reason?: ContainmentReason | undefined
  readonly detection?: string | undefined
  /** Created at or after. */
  readonly since?: Date | undefined
}

/** The options as text. */
interface FilterOptions {
  readonly state?: string | undefined
  readonly reason?: string | undefined
  readonly detection?: string | undefined
  readonly since?: string | undefined
}

/** @throws UsageError for a value that no row can have */
export function readSelection({ state, reason, detection, since }: FilterOptions, now: number): Selection {
  return {
    states: state === undefined ? undefined : [oneOf('--state', state, STATES)],
    reason: reason === undefined ? undefined : oneOf('--reason', reason, REASONS),
    detection: detection === undefined ? undefined : readDetection(detection),
    since: since === undefined ? undefined : readSince(since, now),
  }
}

export const isEmpty = ({ states, reason, detection, since }: Selection): boolean =>
  [states, reason, detection, since].every((each) => each === undefined)

/** Newest first. */
export function select(
  { states, reason, detection, since }: Selection,
  ledger: Pick<ContainmentLedger, 'list'>,
  changedSince?: Date,
): Promise<Containment[]> {
  return ledger.list({
    ...(states && { states }),
    ...(reason && { reason }),
    ...(detection && { detection }),
    ...(since && { since }),
    ...(changedSince && { changedSince }),
  })
}

function oneOf<T extends string>(option: string, text: string, known: readonly T[]): T {
  const found = known.find((each) => each === text)
  if (found === undefined) throw new UsageError(`${option} ${text}: must be one of ${known.join(', ')}`)
  return found
}

function readDetection(text: string): string {
  if (!/^[a-z][a-z0-9-]{1,62}$/.test(text)) {
    throw new UsageError(`--detection ${text}: must be the name of a detection, such as session-reuse`)
  }
  // The ledger may hold rows of a detection that has been removed, so an unknown name is refused only if it looks mistyped.
  const similar = DETECTIONS.includes(text) ? undefined : similarName(text, DETECTIONS)
  if (similar !== undefined) throw new UsageError(`Unknown detection "${text}". Did you mean "${similar}"?`)
  return text
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `45s`, `90m`, `1h` and `2d` ago, or an instant in ISO 8601. */
function readSince(text: string, now: number): Date {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const unitMs = UNIT_MS[unit]
  if (unitMs !== undefined) return new Date(now - Number(count) * unitMs)
  const instant = /^\d{4}-\d\d-\d\dT/.test(text) ? new Date(text) : undefined
  if (instant && !Number.isNaN(instant.getTime())) return instant
  throw new UsageError(
    `--since ${text}: must be a duration such as 45s, 90m, 1h or 2d, or an instant such as 2026-03-01T12:00:00Z`,
  )
}
