import { columns, type Io, paint } from 'alertproof/cli'
import { type Comparison, holds, ratios, type Series, spread } from './rounds.ts'

/** One line for each measured value and one for their ratio, each with the range of its rounds. */
export function table(comparisons: readonly Comparison[], io: Pick<Io, 'color'>): string {
  const rows = comparisons.flatMap((comparison) => {
    const { measured, peer, bound } = comparison
    const kept = holds(comparison)
    const floor = 'atLeast' in bound ? `at least ${bound.atLeast}` : `at most ${bound.atMost}`
    const verdict = kept ? paint(io, 'green', `${floor}: holds`) : paint(io, 'red', `${floor}: MISSED`)
    return [row(measured), row(peer), [`  ratio: ${comparison.name}`, ...cells(ratios(comparison)), verdict], ['']]
  })
  return `${columns([['', 'median', 'rounds'], ...rows]).trimEnd()}\n`
}

const row = ({ what, unit, rounds }: Series): string[] => [what, ...cells(rounds, unit)]

function cells(values: readonly number[], unit = ''): [string, string] {
  const { median, least, most } = spread(values)
  const last = unit === '' ? '' : ` ${unit}`
  return [`${significant(median)}${last}`, `${significant(least)} to ${significant(most)}`]
}

/** Three significant digits, because the rounds differ by more than the fourth. */
const significant = (value: number): string =>
  value.toLocaleString('en', { maximumSignificantDigits: 3, minimumSignificantDigits: 1 })

export interface Machine {
  readonly node: string
  readonly cores: number
  readonly started_at: string
}

/** All figures, with every round. */
export function document(comparisons: readonly Comparison[], where: Machine): object {
  const figures = comparisons.map((comparison) => {
    const { name, measured, peer, bound } = comparison
    const all = ratios(comparison)
    const limit = 'atLeast' in bound ? { at_least: bound.atLeast } : { at_most: bound.atMost }
    return { name, ratio: spread(all).median, ...limit, ok: holds(comparison), ratios: all, measured, peer }
  })
  return { ...where, figures, ok: comparisons.every(holds) }
}
