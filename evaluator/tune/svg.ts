import { axisNumber, CHARACTER, escaped, titleText } from '../svg-text.ts'
import type { Tuning } from './tuning.ts'

const WIDTH = 760
const PANEL_HEIGHT = 320
const LEFT = 60
const RIGHT = 110
const TOP = 50
const BOTTOM = 60
const COLORS = ['#1a56b0', '#b26a00', '#1e7b34', '#7b1fa2', '#00838f', '#b3261e', '#5d4037', '#455a64']
const MOST_LABELS = 12
/** Between two labels of the axis. */
const GAP = 10

/** Its name; of a rule with the case that is tuned. */
export const titleOf = ({ monitor, kind, query }: Pick<Tuning, 'monitor' | 'kind' | 'query'>): string =>
  kind === 'rule' ? `${monitor}, ${query}` : monitor

/** Alerts a day by threshold, a line for each window and a panel for each monitor, as one SVG that needs no other file. */
export function svgOf(tunings: readonly Tuning[]): string {
  const height = PANEL_HEIGHT * tunings.length
  const panels = tunings.map(
    (tuning, i) => `<g transform="translate(0 ${i * PANEL_HEIGHT})">\n${panelOf(tuning)}\n</g>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(`Alerts a day by threshold: ${tunings.map(({ monitor }) => monitor).join(', ')}`)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...panels,
    '</svg>\n',
  ].join('\n')
}

function panelOf(tuning: Tuning): string {
  const { cells, ranges = [] } = tuning
  const tried = cells.filter(({ refused }) => refused === undefined)
  const thresholds = [...new Set(tried.map(({ threshold }) => threshold))].sort((a, b) => a - b)
  const [least = 0, most = least] = [thresholds[0], thresholds.at(-1)]
  const highest = Math.max(1, ...tried.map(({ alertsPerDay }) => alertsPerDay))
  const right = WIDTH - RIGHT
  const bottom = PANEL_HEIGHT - BOTTOM
  const x = (threshold: number) =>
    round(most === least ? (LEFT + right) / 2 : LEFT + ((threshold - least) / (most - least)) * (right - LEFT))
  const y = (alerts: number) => round(bottom - (alerts / highest) * (bottom - TOP))
  const windows = [...new Set(cells.map(({ window }) => window))]
  const colorOf = (window: string) => COLORS[windows.indexOf(window) % COLORS.length] ?? '#000000'
  const subtitle =
    ranges.length === 0
      ? 'alerts a day by threshold'
      : 'alerts a day by threshold; below the axis, where all that is expected alerts, and nothing else'
  return [
    `<text x="${LEFT}" y="20" font-weight="bold">${titleText(titleOf(tuning))}</text>`,
    `<text x="${LEFT}" y="38" fill="#5f6368">${subtitle}</text>`,
    `<path d="M${LEFT} ${TOP}V${bottom}H${right}" fill="none" stroke="#5f6368"/>`,
    `<text x="${LEFT - 6}" y="${TOP + 4}" text-anchor="end">${shortNumber(highest)}</text>`,
    `<text x="${LEFT - 6}" y="${bottom + 4}" text-anchor="end">0</text>`,
    ...labelled(thresholds, x).map(
      (each) => `<text x="${x(each)}" y="${bottom + 16}" text-anchor="middle">${axisNumber(each)}</text>`,
    ),
    ...windows.flatMap((window, i) => {
      const points = tried.filter((cell) => cell.window === window)
      const color = colorOf(window)
      return [
        `<polyline fill="none" stroke="${color}" stroke-width="2" points="${points.map((cell) => `${x(cell.threshold)},${y(cell.alertsPerDay)}`).join(' ')}"/>`,
        ...points.map(
          (cell) =>
            `<circle cx="${x(cell.threshold)}" cy="${y(cell.alertsPerDay)}" r="3" fill="${color}"><title>${escaped(`${window}, ${cell.threshold}: ${cell.alerts} alerts`)}</title></circle>`,
        ),
        `<text x="${right + 10}" y="${TOP + 10 + 16 * i}" fill="${color}">last ${escaped(window)}</text>`,
      ]
    }),
    ...ranges.map(({ window, from, to }) => {
      const level = bottom + 24 + 4 * (windows.indexOf(window) % 8)
      return `<line class="range" x1="${x(from) - 3}" x2="${x(to) + 3}" y1="${level}" y2="${level}" stroke="${colorOf(window)}" stroke-width="3"><title>${escaped(`${window}: ${from} to ${to} as expected`)}</title></line>`
    }),
  ].join('\n')
}

/** The thresholds that have a label below the axis: at most twelve, and none over another. */
function labelled(thresholds: readonly number[], x: (threshold: number) => number): number[] {
  const every = Math.ceil(thresholds.length / MOST_LABELS)
  let free = Number.NEGATIVE_INFINITY
  return thresholds.filter((each, i) => {
    const half = (axisNumber(each).length * CHARACTER) / 2
    if (i % every !== 0 || x(each) - half < free) return false
    free = x(each) + half + GAP
    return true
  })
}

const round = (number: number): number => Math.round(number * 10) / 10

/** At most one decimal. */
export const shortNumber = (value: number): string =>
  value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 })
