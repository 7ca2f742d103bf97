/** A whole number of sixteen digits or more where a value may stand. */
const LONG_INTEGER = /(?:^|[[:,\s])-?\d{16,}(?:$|[\],}\s])/
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const LONG_NUMBER = /^-?\d{16,}$/

/**
 * Parses JSON as `JSON.parse`, except that a whole number beyond 2^53 becomes the text of its digits: as a double it would merge
 * with its neighbours in searches, groups and cardinalities. A search compares numbers and texts that read as numbers alike.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return LONG_INTEGER.test(text) ? JSON.parse(text.replace(TOKEN, quoteLong)) : value
}

const quoteLong = (found: string): string =>
  LONG_NUMBER.test(found) && !Number.isSafeInteger(Number(found)) ? `"${found}"` : found

/** Whether a value is an object of JSON, neither null nor a list. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The number that a text of JSON or YAML holds; anything else as it is. */
export const numberIn = (value: unknown): unknown =>
  typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value
