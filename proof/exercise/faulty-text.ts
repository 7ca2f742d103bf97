import { type Monitor, MonitorError, readImportable } from 'alertproof'
import { printQuery } from 'alertproof/mutate'
import type { Fault } from './catalogue.ts'

/**
 * Writes a fault into the file of its detection, and changes nothing else there, so that the layout does not tell.
 * @param text of the monitor's file
 * @throws Error if the file does not say what the fault changes
 */
export function faultyText(text: string, fault: Fault): string {
  const { detection, mutant } = fault
  const { file } = detection.monitor
  const found = candidates(text, fault).find((candidate) => isLike(candidate, file, mutant.monitor))
  if (found === undefined) throw new Error(`${file} cannot be edited as "${mutant.name}"`)
  return found
}

const SLIP = /^\w+: (?:cardinality )?(?<before>.+) → (?:cardinality )?(?<after>.+)$/

/** The text with one occurrence of what the fault changes replaced, once for each occurrence in the query. */
function candidates(text: string, { kind, mutant }: Fault): string[] {
  const { before = '', after = '' } = SLIP.exec(mutant.name)?.groups ?? {}
  if (kind === 'threshold') {
    return [
      text
        .replace(new RegExp(`("query": .* )${before}"`), `$1${after}"`)
        .replace(new RegExp(`("critical": )${before}\\b`), `$1${after}`),
    ]
  }
  const from = text.indexOf('"query": ')
  const query = text.slice(from, text.indexOf('\n', from))
  return occurrences(query, before).map(
    (at) => text.slice(0, from + at) + after + text.slice(from + at + before.length),
  )
}

function occurrences(text: string, word: string): number[] {
  const found: number[] = []
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) found.push(at)
  return found
}

/** Whether a text is read as a monitor that is evaluated as this one. */
function isLike(text: string, file: string, { parsed, options }: Monitor): boolean {
  try {
    const read = readImportable(text, file)
    return printQuery(read.parsed) === printQuery(parsed) && sorted(read.options) === sorted(options)
  } catch (error) {
    if (error instanceof MonitorError) return false
    throw error
  }
}

const sorted = (options: object): string => JSON.stringify(Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1)))
