import { type Charted, type Limit, MARKS } from './charted.ts'

const MAX_ROWS = 8

/** Which values a column of a chart shows. */
interface Column {
  readonly evaluated: number | null
  /** Between evaluations, where that is nearer to the threshold or beyond. */
  readonly between: number | null
  readonly held: boolean
}

/** The rows of a chart: where a value stands, so that it is beyond the threshold in the picture only if it is. */
class Scale {
  readonly rows: number
  /** The row of the limit; undefined without one. */
  readonly threshold: number | undefined
  least: number
  most: number
  readonly #limit: Limit | undefined

  constructor(limit: Limit | undefined, values: readonly number[]) {
    const all = [...values, limit?.critical ?? 0, 0]
    this.#limit = limit
    this.least = Math.min(...all)
    this.most = Math.max(...all)
    const step = stepOf((this.most - this.least) / MAX_ROWS, all.every(Number.isInteger))
    this.least = step * Math.floor(this.least / step)
    this.rows = Math.max(1, Math.ceil((this.most - this.least) / step - 1e-9))
    this.most = this.least + this.rows * step
    this.threshold = limit && this.#rowOf(limit.critical)
  }

  /** The top of a row. */
  valueAt(row: number): number {
    return this.least + (row * (this.most - this.least)) / this.rows
  }

  /** The highest row that the bar of a value fills, from 1; 0 for none. */
  row(value: number): number {
    const own = this.#rowOf(value)
    const limit = this.threshold
    if (!this.#limit || limit === undefined) return own
    const { operator, critical } = this.#limit
    if (operator === '>') return value > critical ? Math.max(own, limit + 1) : Math.min(own, limit)
    if (operator === '>=') return value >= critical ? Math.max(own, limit) : Math.min(own, limit - 1)
    if (operator === '<') return value < critical ? Math.min(own, limit - 1) : Math.max(own, limit)
    if (operator === '<=') return value <= critical ? Math.min(own, limit) : Math.max(own, limit + 1)
    return own
  }

  #rowOf(value: number): number {
    const range = this.most - this.least
    return range === 0 ? 0 : Math.ceil(((value - this.least) / range) * this.rows - 1e-9)
  }
}

/** The height of a row: 1, 2 or 5 times a power of ten. */
function stepOf(least: number, whole: boolean): number {
  if (least <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(least))
  const step = power * ([1, 2, 5].find((times) => times * power >= least - 1e-12) ?? 10)
  return whole ? Math.max(1, step) : step
}

/** How a chart is written. */
export interface ChartStyle {
  clock(at: string): string
  /** The time of the event that was asked about. */
  readonly event?: string | undefined
  /** What the bars are called. */
  readonly bars?: string
  /** In characters. */
  readonly width?: number
}

/** A chart of the value over time with the threshold as a line, for a terminal. */
export function chartLines(
  limit: Limit | undefined,
  group: Charted,
  { clock, event, bars = 'evaluated', width = 80 }: ChartStyle,
): string[] {
  const scale = new Scale(limit, valuesOf(group))
  const labels = Array.from({ length: scale.rows + 1 }, (_, row) => labelOf(scale, row, limit))
  const labelWidth = Math.max(...labels.map((label) => label.length))
  const count = width - labelWidth - 2
  const columns = columnsOf(limit, group, count)
  const lines: string[] = []
  for (let row = scale.rows; row >= 1; row--) {
    const cells = columns.map((column) => cellOf(column, row, scale)).join('')
    lines.push(`${(labels[row] ?? '').padStart(labelWidth)} ┤${cells.trimEnd()}`)
  }
  lines.push(`${(labels[0] ?? '').padStart(labelWidth)} ┼${(scale.threshold === 0 ? '┄' : '─').repeat(count)}`)
  const marks = marksOf(group, event, count)
  const margin = ' '.repeat(labelWidth + 2)
  if (marks.trim() !== '') lines.push(margin + marks.trimEnd())
  const [from, to] = [clock(group.from), clock(group.to)]
  lines.push(`${margin}${from}${' '.repeat(Math.max(1, count - from.length - to.length))}${to}`)
  lines.push(`${margin}${legendOf(limit, marks, lines.join(''), columns, bars)}`)
  return lines
}

const numbersIn = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null)

const valuesOf = ({ evaluations, values }: Charted): number[] =>
  numbersIn([...evaluations, ...values].map(({ value }) => value))

const short = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)))

function labelOf(scale: Scale, row: number, limit: Limit | undefined): string {
  if (limit && row === scale.threshold) return `${limit.operator} ${short(limit.critical)}`
  return short(scale.valueAt(row))
}

function cellOf({ evaluated, between, held }: Column, row: number, scale: Scale): string {
  if (evaluated !== null && row <= scale.row(evaluated)) return held ? '▒' : '█'
  if (between !== null && row <= scale.row(between)) return '░'
  return row === scale.threshold ? '┄' : ' '
}

/** The time at which each column begins, in epoch ms, and that at which the last one ends. */
function edgesOf({ from, to }: Charted, count: number): number[] {
  const [begin, end] = [Date.parse(from), Date.parse(to)]
  return Array.from({ length: count + 1 }, (_, i) => begin + ((end - begin) * i) / count)
}

function columnsOf(limit: Limit | undefined, group: Charted, count: number): Column[] {
  const edges = edgesOf(group, count)
  const pick = limit?.operator.startsWith('<') ? Math.min : Math.max
  const extreme = (values: readonly (number | null)[]): number | null => {
    const numbers = numbersIn(values)
    return numbers.length === 0 ? null : pick(...numbers)
  }
  const inColumn = <T extends { readonly at: string }>(points: readonly T[], i: number): T[] => {
    const [from = 0, to = 0] = [edges[i], edges[i + 1]]
    const before = points.findLast(({ at }) => Date.parse(at) <= from)
    const within = points.filter(({ at }) => Date.parse(at) > from && Date.parse(at) < to)
    return before ? [before, ...within] : within
  }
  return Array.from({ length: count }, (_, i) => {
    const seen = inColumn(group.evaluations, i)
    return {
      evaluated: extreme(seen.map(({ value }) => value)),
      between: extreme(inColumn(group.values, i).map(({ value }) => value)),
      held: seen.some(({ held }) => held !== null && held.kind !== 'recording-end'),
    }
  })
}

function marksOf(group: Charted, event: string | undefined, count: number): string {
  const edges = edgesOf(group, count)
  const marks = Array.from({ length: count }, () => ' ')
  const put = (at: string, mark: string) => {
    const time = Date.parse(at)
    const i = edges.findLastIndex((edge) => edge <= time)
    if (i >= 0 && i < count) marks[i] = mark
  }
  if (event !== undefined) put(event, 'e')
  for (const { at, transition } of group.changes) {
    const known = MARKS[transition]
    if (known) put(at, known.mark)
  }
  return marks.join('')
}

function legendOf(
  limit: Limit | undefined,
  marks: string,
  drawn: string,
  columns: readonly Column[],
  bars: string,
): string {
  const parts = [
    columns.some(({ evaluated, held }) => evaluated !== null && !held) && `█ ${bars}`,
    drawn.includes('▒') && '▒ held back',
    drawn.includes('░') && '░ in between',
    limit && `┄ ${limit.operator} ${short(limit.critical)}`,
    ...Object.values(MARKS).map(({ mark, word }) => marks.includes(mark) && `${mark} ${word}`),
    marks.includes('e') && 'e the event',
  ]
  return parts.filter((part) => typeof part === 'string').join('  ')
}
