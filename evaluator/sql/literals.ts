/** Literals of SQL. */
export const text = (value: string): string => `'${value.replaceAll("'", "''")}'`

export const list = (items: readonly string[]): string => `[${items.join(', ')}]`

/** A number of a monitor: a threshold. */
export const number = (value: number): string =>
  `${Number.isSafeInteger(value) ? value : `${value.toExponential()}::DOUBLE`}`

/** A JSON pointer to a key of an object. */
export const pointer = (...keys: readonly string[]): string =>
  keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** A literal for an RE2 pattern: every character that is not a letter, a digit or beyond ASCII is escaped. */
export const pattern = (value: string): string => value.replace(/[!-/:-@[-`{-~]/g, '\\$&')

/** Either of two or more conditions. */
export const either = (conditions: readonly string[]): string => join(conditions, 'OR', 'false')

/** All of the conditions. */
export const both = (conditions: readonly string[]): string => join(conditions, 'AND', 'true')

function join(conditions: readonly string[], word: string, none: string): string {
  const [only] = conditions
  if (only === undefined) return none
  return conditions.length === 1 ? only : `(${conditions.join(` ${word} `)})`
}

/** The evaluator orders groups of several facets by their values with the lengths of these. */
export const keyOf = (facets: number): string =>
  facets > 1 ? `array_to_string(list_transform(k, lambda x: len(x) || ':' || x), '')` : `coalesce(k[1], '')`
