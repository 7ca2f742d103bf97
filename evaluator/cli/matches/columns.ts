import type { Facet } from '../../monitor/monitor-query.ts'
import { readFacet } from '../../monitor/monitor-query.ts'
import { facetText, visitField } from '../../search/field.ts'
import type { Field } from '../../search/search-ast.ts'
import { UsageError } from '../command.ts'
import { type DatedLog, dateText } from './printer.ts'

/** A column of a table: the values of one field. */
export interface Column {
  readonly name: string
  /** The field, unless the column is one that every log has. */
  readonly field?: Field
  /** Every value of the log, as text; none if it lacks the field. */
  valuesOf(log: DatedLog): readonly string[]
}

/**
 * @param list names with commas: `time`, `message`, `@ip`, `service`, `env`
 * @throws UsageError for what is not the name of a facet or tag
 */
export function readColumns(option: string, list: string): Column[] {
  return list.split(',').map((text) => {
    const name = text.trim()
    if (name === 'time') return { name, valuesOf: (log) => [dateText(log) ?? ''] }
    const facet = readFacet(name)
    if (typeof facet === 'string') throw new UsageError(`${option} ${list}: ${facet}`)
    return columnOf(facet)
  })
}

function columnOf({ name, field }: Facet): Column {
  const visit = visitField(field)
  return {
    name,
    field,
    valuesOf(log) {
      const values = new Set<string>()
      visit(log, (value) => {
        const text = facetText(value)
        if (text !== undefined) values.add(text)
        return false
      })
      return [...values]
    },
  }
}

/** What the other columns of the default table show. */
const SHOWN = new Set(['timestamp', 'date', 'service'])

/** The message; of a log without one its attributes, as `name=value`. */
export const summary: Column = {
  name: 'content',
  valuesOf: ({ message, attributes }) => [message ?? Object.entries(attributes).flatMap(contentOf).join(' ')],
}

const contentOf = ([key, value]: [string, unknown]) => (SHOWN.has(key) ? [] : pairs(key, value))

function pairs(name: string, value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [`${name}=${String(value)}`]
  if (Array.isArray(value)) return [`${name}=${JSON.stringify(value)}`]
  return Object.entries(value).flatMap(([key, inner]) => pairs(`${name}.${key}`, inner))
}
