import { columns } from 'alertproof/cli'
import type { Containment } from '../../shared/stores/port.ts'

const stateOf = ({ state, reason }: Containment): string => (reason ? `${state} (${reason})` : state)
const resultOf = ({ result, via }: Containment): string => (result ? `${result} via ${via}` : '')
const decisionOf = ({ operator, why }: Containment): string =>
  [operator, why].filter((text) => text !== undefined).join(': ')

/** One line per row, with the columns that a person needs to choose. */
export function table(rows: readonly Containment[]): string {
  const lines = rows.map((row) => [
    row.id.slice(0, 12),
    row.createdAt.toISOString(),
    row.detection,
    row.scope,
    row.action,
    stateOf(row),
    resultOf(row),
  ])
  return columns([['id', 'since', 'detection', 'subject', 'action', 'state', 'result'], ...lines])
}

/** All fields of one row. */
export const describe = (row: Containment): string =>
  columns(
    Object.entries(row)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [`${name}:`, textOf(value)]),
  )

function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** One change as `watch` prints it. */
export const changeLine = (row: Containment): string =>
  [
    row.updatedAt.toISOString(),
    row.id.slice(0, 12),
    row.detection,
    row.scope,
    row.action,
    stateOf(row),
    resultOf(row),
    decisionOf(row),
  ]
    .filter((text) => text !== '')
    .join('  ')
