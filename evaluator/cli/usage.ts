import { wrapped } from './output.ts'

/** An entry of a list: a name, at least two blanks, and its description. */
const ENTRY = /^\s{2,}\S+(?: \S+)* {2,}(?=\S)/
/** The synopsis, and a command that is to be copied. */
const VERBATIM = /^(?:Usage: | {2,}\S)/

/**
 * Breaks the lines of a usage between words: paragraphs as a whole, descriptions in their column, and commands before
 * their options, as a shell continues them.
 */
export function reflowed(usage: string, width = 80): string {
  const lines: string[] = []
  let paragraph: string[] = []
  let hang = 0
  let first = ''
  /** The column of the descriptions in this list: a long name may leave one blank before it. */
  let column = 0
  const flush = () => {
    if (paragraph.length > 0) {
      const [head = '', ...rest] = wrapped(paragraph.join(' '), width - hang)
      lines.push(first + head, ...rest.map((line) => ' '.repeat(hang) + line))
    }
    paragraph = []
    hang = 0
    first = ''
  }
  for (const line of usage.split('\n')) {
    const indent = line.length - line.trimStart().length
    const entry = ENTRY.exec(line)?.[0] ?? entryAt(line, column)
    if (line.trim() === '') {
      flush()
      column = 0
      lines.push('')
    } else if (paragraph.length > 0 && indent === hang && entry === undefined) paragraph.push(line.trim())
    else {
      flush()
      if (entry !== undefined) {
        hang = entry.length
        column = hang
        first = entry
        paragraph = [line.slice(entry.length)]
      } else if (VERBATIM.test(line)) lines.push(...commandLines(line, width))
      else paragraph = [line]
    }
    if (paragraph.length > 0 && hang === 0 && line.endsWith(':')) flush()
  }
  flush()
  return lines.join('\n')
}

const entryAt = (line: string, column: number): string | undefined =>
  column > 0 && /^ {2}-/.test(line) && line[column - 1] === ' ' && line[column] !== ' '
    ? line.slice(0, column)
    : undefined

/** The next line of a synopsis begins in the column after its first word. An example is broken with a backslash. */
function commandLines(line: string, width: number): string[] {
  if (line.length <= width) return [line]
  const [, head] = /^(Usage: | {7})/.exec(line) ?? []
  if (head === undefined) return continued(line, width)
  const indent = head.length + 2
  const [first = '', ...rest] = wrapped(line.slice(head.length), width - indent)
  return [head + first, ...rest.map((part) => ' '.repeat(indent) + part)]
}

function continued(line: string, width: number): string[] {
  const [start = '', ...options] = line.split(/ (?=--?[a-z])/)
  const lines: string[] = []
  let present = start
  for (const option of options) {
    if (present.length + 1 + option.length + 2 > width) {
      lines.push(`${present} \\`)
      present = `      ${option}`
    } else present += ` ${option}`
  }
  return [...lines, present]
}
