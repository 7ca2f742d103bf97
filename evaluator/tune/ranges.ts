import type { Cell, Obstacle, Range } from './tuning.ts'

/** @param cells of a monitor for which something is expected, by window and rising threshold */
export function rangesOf(cells: readonly Cell[]): Range[] {
  const ranges: { window: string; thresholds: number[] }[] = []
  let open: { window: string; thresholds: number[] } | undefined
  for (const cell of cells) {
    if (!holds(cell)) {
      open = undefined
      continue
    }
    if (open?.window !== cell.window) {
      open = { window: cell.window, thresholds: [] }
      ranges.push(open)
    }
    open.thresholds.push(cell.threshold)
  }
  return ranges.map(({ window, thresholds }) => {
    return { window, from: Math.min(...thresholds), to: Math.max(...thresholds), thresholds }
  })
}

/** What stands in the way, window by window. */
export function obstaclesOf(cells: readonly Cell[]): Obstacle[] {
  const windows = [...new Set(cells.map(({ window }) => window))]
  return windows.map((window) => {
    const own = cells.filter((cell) => cell.window === window)
    const findsAll = least(
      own.filter(({ missing }) => missing?.length === 0),
      ({ unexpected = [] }) => unexpected.length,
    )
    const nothingElse = least(
      own.filter(({ unexpected }) => unexpected?.length === 0),
      ({ missing = [] }) => missing.length,
    )
    return {
      window,
      findsAll: findsAll && { threshold: findsAll.threshold, unexpected: findsAll.unexpected ?? [] },
      nothingElse: nothingElse && { threshold: nothingElse.threshold, missing: nothingElse.missing ?? [] },
    }
  })
}

const holds = ({ missing, unexpected }: Cell): boolean => missing?.length === 0 && unexpected?.length === 0

function least(cells: readonly Cell[], countOf: (cell: Cell) => number): Cell | undefined {
  let best: Cell | undefined
  for (const cell of cells) if (!best || countOf(cell) < countOf(best)) best = cell
  return best
}
