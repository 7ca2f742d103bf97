import type { Operator } from '../monitor/monitor-query.ts'
import type { GroupName, LogFacts } from './explanation.ts'

/** Beyond the threshold, in words that a number follows. */
export const BEYOND: Record<Operator, string> = {
  '>': 'above',
  '>=': 'at least',
  '<': 'below',
  '<=': 'at most',
  '==': 'equal to',
  '!=': 'other than',
}

/** `@ip:203.0.113.9, env:prod`. */
export const groupText = (group: GroupName): string =>
  Object.entries(group)
    .map(([facet, value]) => `${facet}:${value}`)
    .join(', ')

export const quoted = (text: string): string => JSON.stringify(text)

export const hasWords = (values: readonly string[]): string => `the event has ${values.map(quoted).join(', ')}`

/** What an event has instead of what a term asks for. @param term as the search has it: text, if it names no field */
export function missWords(term: string, values: readonly string[]): string {
  if (values.length > 0) return hasWords(values)
  if (term.startsWith('*:')) return 'no attribute of the event has it'
  return /^(?:"|(?:[^\\:"(]|\\.)*$)/.test(term) ? 'the event has no message' : 'the event has no such field'
}

export const valueText = (value: number | null): string =>
  value === null ? 'no value' : Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)))

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const

/** `5 minutes`, `1 hour 30 minutes`, `28.88 seconds`. */
export function durationWords(seconds: number): string {
  const words: string[] = []
  let rest = seconds
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0) words.push(`${count} ${unit}${count === 1 ? '' : 's'}`)
  }
  const left = Math.round(rest * 1000) / 1000
  if (left > 0 || words.length === 0) words.push(`${left} second${left === 1 ? '' : 's'}`)
  return words.join(' ')
}

/** After `each`: `minute`, `10 minutes`. */
export const eachWords = (seconds: number): string => durationWords(seconds).replace(/^1 (\w+)$/, '$1')

interface Clocked {
  readonly log: Pick<LogFacts, 'first' | 'last'>
  readonly group: { readonly story: readonly { readonly at: string }[] } | null
}

/** How times are written: without the date if everything happened on one day. */
export function clockOf({ log, group }: Clocked): { readonly note: string; time(at: string): string } {
  const times = [log.first, log.last, ...(group?.story ?? []).map(({ at }) => at)]
  const [day, ...others] = new Set(times.flatMap((at) => (at ? [at.slice(0, 10)] : [])))
  if (day !== undefined && others.length === 0) {
    return { note: `times are of ${day}, UTC`, time: (at) => timeOf(at.slice(11)) }
  }
  return { note: 'times are UTC', time: (at) => `${at.slice(0, 10)} ${timeOf(at.slice(11))}` }
}

/** Without milliseconds if there are none. */
const timeOf = (text: string): string => text.replace(/(\.000)?Z$/, '')

/** `1 event`, `2,000 events`. */
export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`

const WIDTH = 80

/** Breaks a text into lines of at most 80 characters. A longer word has a line of its own. */
export function wrapped(text: string, indent = ''): string[] {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(' ')) {
    if (line !== indent && line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = indent
    }
    line += line === indent ? word : ` ${word}`
  }
  return [...lines, line]
}
