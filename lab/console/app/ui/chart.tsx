import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { clockOf, numberOf } from '../format.ts'

export type Point = readonly [at: number, value: number | null]

export interface Series {
  readonly label: string
  readonly points: readonly Point[]
}

/** A value that is drawn across the whole chart. */
export interface Line {
  readonly label: string
  readonly value: number
  readonly color: 'danger' | 'warning'
}

export interface ChartProps {
  /** At most 6, the number of colours. */
  readonly series: readonly Series[]
  readonly lines: readonly Line[]
  /** Epoch ms at the right edge. */
  readonly to: number
  /** What the chart shows, for a screen reader; a table beside it has the values. */
  readonly label: string
}

const HEIGHT = 220
export const MAX_SERIES = 6
/** A chart of a few seconds would look like a cliff. */
const MIN_SPAN_MS = 60_000

/** Values over time, climbing to their lines. A value holds until the next one. */
export function Chart(props: ChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>()
  const [theme, setTheme] = useState(0)
  const [under, setUnder] = useState<string>()
  const { series, lines, to, label } = props
  const latest = useRef(props)
  latest.current = props

  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const changed = () => setTheme((count) => count + 1)
    dark.addEventListener('change', changed)
    return () => dark.removeEventListener('change', changed)
  }, [])

  // The number of lines and their colours are part of a chart; only its values can change.
  useEffect(() => {
    const parent = box.current
    if (!parent) return
    const chart = new uPlot(
      optionsOf(parent.clientWidth, series.length, () => latest.current, setUnder),
      dataOf(latest.current),
      parent,
    )
    plot.current = chart
    const observer = new ResizeObserver(() => chart.setSize({ width: parent.clientWidth, height: HEIGHT }))
    observer.observe(parent)
    return () => {
      observer.disconnect()
      chart.destroy()
      plot.current = undefined
    }
  }, [series.length, theme])

  useEffect(() => {
    plot.current?.setData(dataOf(latest.current))
  }, [series, lines, to])

  return (
    <figure class="chart">
      <div ref={box} class="chart-box" role="img" aria-label={label} />
      <figcaption class="muted" aria-hidden="true">
        {under ?? '\u00a0'}
      </figcaption>
    </figure>
  )
}

/** All series on the instants of all of them: undefined where a series has no point, null where it has no value. */
function dataOf({ series, to }: ChartProps): uPlot.AlignedData {
  const points = series.flatMap((each) => each.points.map(([at]) => at))
  const end = Math.max(to, ...series.map((each) => each.points.at(-1)?.[0] ?? 0))
  const instants = [...new Set([...points, end])].sort((a, b) => a - b)
  const columns = series.map((each) => {
    // The last value still holds.
    const values = new Map([...each.points, [end, each.points.at(-1)?.[1] ?? null]])
    return instants.map((at) => values.get(at))
  })
  return [instants.map((at) => at / 1000), ...columns]
}

function optionsOf(
  width: number,
  count: number,
  latest: () => ChartProps,
  show: (text: string | undefined) => void,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim()
  const font = `11px ${getComputedStyle(document.body).fontFamily}`
  const axis = { stroke: color('muted'), font, grid: { stroke: color('line'), width: 1 }, ticks: { show: false } }
  const stepped = uPlot.paths.stepped?.({ align: 1 })
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    padding: [12, 8, 0, 0],
    scales: {
      x: { time: true, range: (_chart, min, max) => [Math.min(min, max - MIN_SPAN_MS / 1000), max] },
      y: { range: (_chart, _min, max) => [0, highestOf(latest(), max) * 1.12] },
    },
    axes: [
      { ...axis, size: 28, space: 90, values: (_chart, times) => times.map((time) => clockOf(time * 1000)) },
      { ...axis, size: 44, incrs: () => (isCounted(latest()) ? COUNTS : PARTS) },
    ],
    series: [
      {},
      ...Array.from({ length: count }, (_, index) => ({
        stroke: color(`series-${index + 1}`),
        width: 2,
        points: { show: false },
        ...(stepped && { paths: stepped }),
      })),
    ],
    hooks: {
      draw: [(chart) => drawLines(chart, latest().lines, color, font)],
      setCursor: [(chart) => show(textUnder(chart, latest()))],
    },
  }
}

const COUNTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000, 1_000_000]
const PARTS = [0.05, 0.1, 0.2, 0.25, 0.5, ...COUNTS]

/** Whether all its values are whole numbers, so that half a session is never drawn. */
const isCounted = ({ series }: ChartProps): boolean =>
  series.every(({ points }) => points.every(([, value]) => value === null || Number.isInteger(value)))

const highestOf = ({ lines }: ChartProps, max: number | null): number =>
  Math.max(1, max ?? 0, ...lines.map(({ value }) => value))

function drawLines(chart: uPlot, lines: readonly Line[], color: (name: string) => string, font: string): void {
  const { ctx, bbox } = chart
  for (const line of lines) {
    const y = chart.valToPos(line.value, 'y', true)
    ctx.save()
    ctx.strokeStyle = color(line.color)
    ctx.fillStyle = color(line.color)
    ctx.lineWidth = devicePixelRatio
    ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio])
    ctx.beginPath()
    ctx.moveTo(bbox.left, y)
    ctx.lineTo(bbox.left + bbox.width, y)
    ctx.stroke()
    ctx.font = font.replace('11px', `${11 * devicePixelRatio}px`)
    ctx.textAlign = 'left'
    ctx.textBaseline = 'bottom'
    ctx.fillText(line.label, bbox.left + 6 * devicePixelRatio, y - 2 * devicePixelRatio)
    ctx.restore()
  }
}

/** The values at the pointer. */
function textUnder({ cursor, data }: uPlot, { series }: ChartProps): string | undefined {
  const { idx } = cursor
  const at = idx === null || idx === undefined ? undefined : data[0][idx]
  if (at === undefined) return undefined
  const values = series.flatMap(({ label, points }) => {
    const value = points.findLast(([instant]) => instant <= at * 1000)?.[1]
    return value === undefined ? [] : [`${label} ${numberOf(value)}`]
  })
  return [clockOf(at * 1000), ...values].join(' · ')
}
