import { printable } from '../output.ts'
import type { Column } from './columns.ts'
import type { DatedLog, Printer } from './printer.ts'

/** The rows after which the widths of the columns are fixed, so that the rest need not wait for the end. */
const MEASURED_ROWS = 200
const GAP = '  '

/**
 * A table of matches. A long value is cut in a terminal, so that a match is one line.
 * @param width of the terminal in columns; undefined: nothing is cut
 */
export function tableOf(columns: readonly Column[], width: number | undefined): Printer {
  const head = columns.map(({ name }) => name)
  let rows: string[][] = []
  let widths: number[] | undefined
  const write = () => {
    if (rows.length === 0) return Buffer.alloc(0)
    const isFirst = widths === undefined
    widths ??= head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]?.length ?? 0)))
    const lines = (isFirst ? [head, ...rows] : rows).map((row) => lineOf(row, widths ?? [], width))
    rows = []
    return Buffer.from(lines.join(''))
  }
  return {
    add(log: DatedLog) {
      rows.push(columns.map((column) => printable(column.valuesOf(log).join(', '))))
    },
    take: () => (widths === undefined && rows.length < MEASURED_ROWS ? Buffer.alloc(0) : write()),
    end: write,
  }
}

function lineOf(row: readonly string[], widths: readonly number[], width: number | undefined): string {
  const last = row.length - 1
  const line = row
    .map((cell, i) => (i === last ? cell : cell.padEnd(widths[i] ?? 0)))
    .join(GAP)
    .trimEnd()
  return `${width === undefined || line.length <= width ? line : `${line.slice(0, width - 1)}…`}\n`
}
