import type { Io } from './command.ts'

const CODES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39] } as const
export type Tone = keyof typeof CODES

/** Colours a text if the terminal shows colours; otherwise returns it unchanged. */
export function paint(io: Pick<Io, 'color'>, tone: Tone, text: string): string {
  if (!io.color) return text
  const [on, off] = CODES[tone]
  return `\u001b[${on}m${text}\u001b[${off}m`
}

/** Escapes control characters: anyone may have written the text of a log or of a monitor. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`)
}

/** `1 event`, `1,024 events`. */
export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`

/** Escapes control characters of lines for a terminal, but neither line ends nor tabs. */
export const shown = (lines: string): string =>
  lines.replace(/\p{C}/gu, (char) => (char === '\n' || char === '\t' ? char : printable(char)))

/** `870 ms`, `1.7 s`, `12 s`, `3 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** Joins rows to lines. Each column is as wide as its widest cell; the last one is not padded. */
export function columns(rows: readonly (readonly string[])[], gap = 2): string {
  const widths: number[] = []
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, visible(cell))
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell + ' '.repeat((widths[i] ?? 0) - visible(cell) + gap)))
      .join('')
  return rows.map(line).join('\n')
}

/** Breaks a text between words into lines of at most `width` characters. A longer word has a line of its own. */
export function wrapped(text: string, width = TERMINAL_WIDTH): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
/**
 * Rows in columns, of which the last one is a text: it is broken between words in its column, or below the row where there is
 * no room for words.
 */
export function described(rows: readonly (readonly string[])[], width = TERMINAL_WIDTH): string {
  const heads = columns(rows.map((row) => [...row.slice(0, -1), ''])).split('\n')
  const lines = rows.flatMap((row, n) => {
    const [head = '', text = ''] = [heads[n], row.at(-1)]
    const room = width - visible(head)
    if (visible(text) <= room) return head + text
    if (room < LEAST_WIDTH)
      return [head.trimEnd(), ...wrapped(text, width - INDENT.length).map((line) => INDENT + line)]
    return wrapped(text, room).map((line, at) => (at === 0 ? head : ' '.repeat(visible(head))) + line)
  })
  return lines.join('\n')
}

/** Continuation lines on a terminal. */
const INDENT = '    '

/**
 * A line that is longer than the terminal, broken between words. Elsewhere it stays whole, because programs read it.
 * @param width of the terminal; undefined elsewhere
 */
export function fitted(line: string, width: number | undefined): string {
  if (width === undefined || visible(line) <= width) return line
  const [first = '', ...rest] = wrapped(line, Math.max(width - INDENT.length, LEAST_WIDTH))
  return [first, ...rest.map((part) => INDENT + part)].map((part) => part.trimEnd()).join('\n')
}
/** Of a terminal that is too narrow for words. */
const LEAST_WIDTH = 20

/** The width of a terminal that has never been resized. */
const TERMINAL_WIDTH = 80

/** Writes one JSON document to stdout. */
export function json(io: Pick<Io, 'out'>, value: unknown): void {
  io.out(`${JSON.stringify(value)}\n`)
}

/** The width of a text in characters, without its colour codes. */
function visible(text: string): number {
  return text.replaceAll(new RegExp(`${'\u001b'}\\[\\d+m`, 'g'), '').length
}
