import type { GroupValues } from '../estate/index.ts'
import { type Cell, type Obstacle, shortNumber, type Tuning, titleOf } from '../tune/index.ts'
import type { Io } from './command.ts'
import { columns, paint, printable } from './output.ts'
import { groupText } from './replay-report.ts'

/** The most characters in a line of the table. */
const WIDTH = 80
const NOTHING = '-'

/** What a monitor does with each threshold and window, as a table, and where it does what is expected. */
export function tuningText(tuning: Tuning, io: Io): string {
  const { cells, ranges, obstacles, operator } = tuning
  const lines = [paint(io, 'bold', cut(printable(titleOf(tuning)), WIDTH)), tableOf(tuning, operator, io)]
  for (const { window, from, to } of ranges ?? []) {
    const limits = from === to ? `${operator} ${from}` : `${operator} ${from} to ${operator} ${to}`
    lines.push(`${window}: ${paint(io, 'green', limits)} alerts for all that is expected, and for nothing else.`)
  }
  if (obstacles) {
    lines.push('No threshold alerts for all that is expected, and for nothing else:')
    lines.push(...obstacles.flatMap((each) => obstacleText(each, operator)))
  }
  const refused = new Map(cells.flatMap((cell) => (cell.refused === undefined ? [] : [[cell.refused, cell] as const])))
  for (const [reason, { threshold, window }] of refused) {
    lines.push(`refused, such as ${operator} ${threshold} over ${window}: ${printable(reason)}`)
  }
  return `${lines.join('\n')}\n`
}

function tableOf({ cells, ranges }: Tuning, operator: string, io: Io): string {
  const texts = cells.map(({ threshold }) => `${operator} ${threshold}`)
  const width = Math.max('threshold'.length, ...texts.map((text) => text.length))
  const rows = cells.map((cell, i) => [
    cells[i - 1]?.window === cell.window ? '' : cell.window,
    texts[i]?.padStart(width) ?? '',
    (cell.refused === undefined ? String(cell.alerts) : 'refused').padStart(7),
    (cell.refused === undefined ? shortNumber(cell.alertsPerDay) : NOTHING).padStart(5),
    ...(ranges ? [expectedText(cell)] : []),
    missText(cell),
  ])
  const header = ['window', 'threshold', ' alerts', 'a day', ...(ranges ? ['expected'] : []), 'nearest miss']
  const lines = columns([header, ...rows]).split('\n')
  return lines
    .map((line, i) => {
      const shown = cut(line.trimEnd(), WIDTH)
      const { missing, unexpected } = cells[i - 1] ?? {}
      return missing?.length === 0 && unexpected?.length === 0 ? paint(io, 'green', shown) : shown
    })
    .join('\n')
}

/** `-1 +2`: one expected group is missing, and two others alert. */
function expectedText({ missing, unexpected }: Cell): string {
  if (!missing || !unexpected) return NOTHING
  const parts = [
    ...(missing.length > 0 ? [`-${missing.length}`] : []),
    ...(unexpected.length > 0 ? [`+${unexpected.length}`] : []),
  ]
  return parts.join(' ') || 'holds'
}

/** `4 at 01-12 14:03 @ip:203.0.113.9`. */
function missText({ nearestMiss }: Cell): string {
  if (!nearestMiss) return NOTHING
  const { value, at, group } = nearestMiss
  const time = at.slice(5, 16).replace('T', ' ')
  return `${Number(value.toPrecision(6))} at ${time} ${groupText(group)}`
}

function obstacleText({ window, findsAll, nothingElse }: Obstacle, operator: string): string[] {
  const label = `  ${window}: `
  const all = findsAll
    ? `${operator} ${findsAll.threshold} alerts for all, and also for ${listed(findsAll.unexpected)}`
    : 'none alerts for all that is expected'
  const none = nothingElse
    ? `${operator} ${nothingElse.threshold} alerts for nothing else, and misses ${listed(nothingElse.missing)}`
    : 'each alerts for something else'
  return [`${label}${all}`, `${' '.repeat(label.length)}${none}`]
}

const MOST_LISTED = 2

function listed(groups: readonly GroupValues[]): string {
  const shown = groups.slice(0, MOST_LISTED).map(groupText).join(' and ')
  return groups.length > MOST_LISTED ? `${shown} and ${groups.length - MOST_LISTED} more` : shown
}

const cut = (line: string, width: number): string =>
  [...line].length > width ? `${[...line].slice(0, width - 1).join('')}…` : line
