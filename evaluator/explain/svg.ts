import { ALERT, BETWEEN, FAINT, GOOD, HELD, INK, MUTED, PAPER, VALUE, WARN } from '../svg-colors.ts'
import { axisNumber, escaped, titleText } from '../svg-text.ts'
import { type Charted, MARKS } from './charted.ts'
import type { Explanation } from './explanation.ts'
import { headlineOf } from './text.ts'

const WIDTH = 760
export const HEIGHT = 320
export const LEFT = 60
const RIGHT = 20
const TOP = 76
const BOTTOM = 50

/** What a chart shows of an explanation. */
export type Drawn = Pick<Explanation, 'monitor' | 'asked' | 'verdict' | 'event' | 'group'>

/** A chart of the value over time with the threshold, as one SVG that needs no other file; undefined if no event counts. */
export function svgOf(explanation: Drawn): string | undefined {
  const { monitor, group, event } = explanation
  if (!group) return undefined
  const headline = headlineOf(explanation)
  const plot = new Plot([monitor.critical, monitor.warning ?? monitor.critical], group)
  const isLive = monitor.cadence_seconds === null
  const parts = [
    `<text x="${LEFT}" y="20" fill="${INK}" font-weight="bold">${titleText(headline)}</text>`,
    plot.heldAreas(),
    plot.axes(),
    plot.level(monitor.critical, ALERT, `${monitor.operator} ${monitor.critical}`),
    monitor.warning === null ? '' : plot.level(monitor.warning, WARN, `warning ${monitor.warning}`),
    isLive ? '' : plot.steps(group.values, `stroke="${BETWEEN}" stroke-width="1"`),
    plot.steps(group.evaluations, `stroke="${VALUE}" stroke-width="2"`),
    plot.marks(marksOf(group, event?.asked ? event.at : undefined)),
    plot.legend('value at each evaluation', isLive ? '' : 'value in between'),
  ]
  const drawn = parts.filter((part) => part !== '')
  return svgDocument(headline, HEIGHT, drawn)
}

/** One SVG that needs no other file. @param parts its elements */
export const svgDocument = (title: string, height: number, parts: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="${PAPER}"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n')

export interface Mark {
  readonly at: string
  readonly label: string
  readonly color: string
}

/** Labels that are nearer to each other would be drawn over each other. */
const LINE_HEIGHT = 14
/** The label of a mark has about this many units. */
const LABEL_WIDTH = 130

export function marksOf({ changes }: Charted, event: string | undefined): Mark[] {
  const marks = changes.map(({ at, transition }) => ({
    ...{ at, label: transition, color: colorOf(transition) },
  }))
  const asked = event === undefined ? [] : [{ at: event, label: 'event', color: MUTED }]
  return [...marks, ...asked].sort((a, b) => (a.at < b.at ? -1 : 1))
}

const colorOf = (transition: string): string =>
  MARKS[transition]?.isGood ? GOOD : transition.endsWith('Warn') ? WARN : ALERT

interface Point {
  readonly at: string
  readonly value: number | null
}

/** The parts of a chart, in a frame of {@link HEIGHT}. */
export class Plot {
  readonly #group: Charted
  readonly #from: number
  readonly #to: number
  readonly #least: number
  readonly #most: number

  /** @param levels values that are drawn as lines */
  constructor(levels: readonly number[], group: Charted) {
    const values = [...group.evaluations, ...group.values].map(({ value }) => value).filter((value) => value !== null)
    this.#group = group
    this.#from = Date.parse(group.from)
    this.#to = Date.parse(group.to)
    this.#least = Math.min(0, ...levels, ...values)
    const most = Math.max(0, ...levels, ...values)
    this.#most = most + (most - this.#least) / 10 || 1
  }

  axes(): string {
    const [bottom, right] = [this.#y(this.#least), WIDTH - RIGHT]
    const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
      const at = new Date(this.#from + part * (this.#to - this.#from)).toISOString()
      const anchor = part === 0 ? 'start' : part === 1 ? 'end' : 'middle'
      return `<text x="${this.#x(at)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="${anchor}" fill="${MUTED}">${this.#clock(at)}</text>`
    })
    const top = Math.max(...this.#group.evaluations.map(({ value }) => value ?? 0), 0)
    const values = bottom - this.#y(top) < LINE_HEIGHT ? [this.#least] : [this.#least, top]
    const labels = values.map(
      (value) =>
        `<text x="${LEFT - 8}" y="${round(this.#y(value) + 4)}" text-anchor="end" fill="${MUTED}">${axisNumber(value)}</text>`,
    )
    return `<path d="M${LEFT} ${TOP}V${bottom}H${right}" fill="none" stroke="${MUTED}"/>${ticks.join('')}${labels.join('')}`
  }

  level(value: number, color: string, label: string): string {
    const y = this.#y(value)
    return (
      `<path d="M${LEFT} ${y}H${WIDTH - RIGHT}" stroke="${color}" stroke-dasharray="6 4"/>` +
      `<text x="${WIDTH - RIGHT}" y="${round(y - 5)}" text-anchor="end" fill="${color}">${escaped(label)}</text>`
    )
  }

  /** A value stays until the next one. Where there is none, the line is interrupted. */
  steps(points: readonly Point[], style: string): string {
    let path = ''
    let isOpen = false
    for (const { at, value } of points) {
      const x = this.#x(at)
      if (isOpen) path += `H${x}`
      if (value === null) isOpen = false
      else {
        path += isOpen ? `V${this.#y(value)}` : `M${x} ${this.#y(value)}`
        isOpen = true
      }
    }
    if (isOpen) path += `H${WIDTH - RIGHT}`
    return path === '' ? '' : `<path d="${path}" fill="none" ${style}/>`
  }

  /** The time during which evaluations held the group back. */
  heldAreas(): string {
    const { evaluations } = this.#group
    return evaluations
      .flatMap(({ at, held }, i) => {
        if (!held || held.kind === 'recording-end') return []
        const x = this.#x(at)
        const end = evaluations[i + 1] ? this.#x(evaluations[i + 1]?.at ?? at) : WIDTH - RIGHT
        const area = `x="${x}" y="${TOP}" width="${round(end - x)}" height="${HEIGHT - TOP - BOTTOM}"`
        return [`<rect ${area} fill="${HELD}"><title>${held.kind}</title></rect>`]
      })
      .join('')
  }

  /** Lines with labels, in as many rows as their widths need, at most three. */
  marks(marks: readonly Mark[]): string {
    const ends = [0, 0, 0]
    return marks
      .filter(({ at }) => Date.parse(at) >= this.#from && Date.parse(at) <= this.#to)
      .map(({ at, label, color }) => {
        const x = this.#x(at)
        const left = x > WIDTH - LABEL_WIDTH ? x - LABEL_WIDTH : x
        const row = Math.max(
          0,
          ends.findIndex((end) => end <= left),
        )
        ends[row] = left + LABEL_WIDTH
        const y = TOP - 12 - 14 * row
        return (
          `<path d="M${x} ${y + 4}V${HEIGHT - BOTTOM}" stroke="${color}"/>` +
          `<text x="${x}" y="${y}" text-anchor="${left < x ? 'end' : 'start'}" fill="${color}">${escaped(label)} ${this.#clock(at)}</text>`
        )
      })
      .join('')
  }

  legend(evaluated: string, between: string): string {
    const y = HEIGHT - 10
    const line = `<text x="${LEFT}" y="${y}" fill="${VALUE}">${evaluated}</text>`
    const other = between === '' ? '' : `<text x="${LEFT + 170}" y="${y}" fill="${FAINT}">${between}</text>`
    const [first = '', last] = new Set([this.#from, this.#to].map((at) => new Date(at).toISOString().slice(0, 10)))
    const days = last === undefined ? first : `${first} to ${last}`
    return `${line}${other}<text x="${WIDTH - RIGHT}" y="${y}" text-anchor="end" fill="${MUTED}">${days}, UTC</text>`
  }

  /** With tenths of a second where the chart shows seconds only. */
  #clock(at: string): string {
    return at.slice(11, this.#to - this.#from < 20_000 ? 21 : 19)
  }

  #x(at: string): number {
    const part = (Date.parse(at) - this.#from) / (this.#to - this.#from)
    return round(LEFT + Math.min(1, Math.max(0, part)) * (WIDTH - LEFT - RIGHT))
  }

  #y(value: number): number {
    const part = (value - this.#least) / (this.#most - this.#least)
    return round(HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM))
  }
}

const round = (value: number): number => Math.round(value * 10) / 10
