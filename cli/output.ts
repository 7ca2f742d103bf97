import type { Io } from './command.ts'

const CODES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39] } as const
export type Tone = keyof typeof CODES

/** Colours a text where the terminal takes colours, and leaves it as it is elsewhere. */
export function paint(io: Pick<Io, 'color'>, tone: Tone, text: string): string {
  if (!io.color) return text
  const [on, off] = CODES[tone]
  return `\u001b[${on}m${text}\u001b[${off}m`
}

/** `870 ms`, `1.7 s`, `12 s`, `3 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** Rows as lines, columns as wide as their widest cell; the last column is not padded. */
export function columns(rows: readonly (readonly string[])[], gap = 2): string {
  const widths: number[] = []
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, visible(cell))
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell + ' '.repeat((widths[i] ?? 0) - visible(cell) + gap)))
      .join('')
  return rows.map(line).join('\n')
}

/** One JSON document on stdout, for programs. */
export function json(io: Pick<Io, 'out'>, value: unknown): void {
  io.out(`${JSON.stringify(value)}\n`)
}

/** How many cells a text takes: colours take none. */
function visible(text: string): number {
  return text.replaceAll(new RegExp(`${'\u001b'}\\[\\d+m`, 'g'), '').length
}
