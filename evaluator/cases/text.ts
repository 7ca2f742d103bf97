import type { GroupValues } from '../estate/index.ts'
import type { Case } from './case.ts'
import type { FieldDifference, Pair, Verdict } from './compare.ts'
import { instantText } from './times.ts'

/** What does not hold in a case, line by line. */
export function faultsOf(given: Case, { pairs, late }: Verdict): string[] {
  const lines = pairs.flatMap((pair) => linesOf(pair, given))
  if (given.expected === undefined) lines.unshift('nothing is expected yet')
  if (late !== given.late) {
    lines.push(
      `late: ${late} logs came too late to count, ${given.late} expected. A longer \`evaluate.lateness\` counts them`,
    )
  }
  return lines
}

function linesOf({ expected, happening, differences }: Pair, given: Case): string[] {
  if (!happening) {
    if (!expected) return []
    const { at } = expected
    const when = typeof at === 'number' ? ` at ${instantText(at, given.start)}` : ''
    return [`missing     ${changeText(expected.monitor, expected.transition, expected.group)}${when}`]
  }
  const { monitor, transition, group, at, value } = happening.transition
  const change = changeText(monitor.slug, transition, group)
  const when = instantText(at, given.start)
  if (!expected) return [`unexpected  ${change} at ${when}, value ${value}`]
  return differences.flatMap((difference) => [
    `different   ${change} at ${when}: ${difference.field}`,
    ...differenceLines(difference, given).map((line) => `  ${line}`),
  ])
}

const changeText = (monitor: string, transition: string, group: GroupValues): string =>
  `${transition} ${monitor} ${groupText(group)}`

export const groupText = (group: GroupValues): string =>
  Object.entries(group)
    .map(([facet, value]) => `${facet}:${value}`)
    .join(', ') || '*'

function differenceLines({ field, expected, found }: FieldDifference, { start }: Case): string[] {
  const text = (value: unknown): string => {
    if (value === null || value === undefined) return '(nothing)'
    if (field === 'at' && typeof value === 'number') return instantText(value, start)
    return typeof value === 'string' ? value : JSON.stringify(value, undefined, 2)
  }
  return lineDifference(text(expected).split('\n'), text(found).split('\n'))
}

/** The lines of two texts: `- ` only in the first, `+ ` only in the second, by the longest common sequence. */
export function lineDifference(before: readonly string[], after: readonly string[]): string[] {
  const lengths = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0))
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const row = lengths[i]
      if (row) row[j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push(`  ${before[i++]}`)
      j++
    } else if (i < before.length && (j === after.length || at(i + 1, j) >= at(i, j + 1))) lines.push(`- ${before[i++]}`)
    else lines.push(`+ ${after[j++]}`)
  }
  return lines
}
