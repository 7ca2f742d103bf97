/** A whole number of sixteen digits or more where a value may stand. */
const longInteger = /(?:^|[[:,\s])-?\d{16,}(?:$|[\],}\s])/
const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const wholeNumber = /^-?\d{16,}$/

/**
 * Parses JSON as `JSON.parse`, except that a whole number beyond 2^53 becomes the text of its digits: as a double it would merge
 * with its neighbours in searches, groups and cardinalities. A search compares numbers and texts that read as numbers alike.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return longInteger.test(text) ? JSON.parse(text.replace(token, quoteLong)) : value
}

const quoteLong = (found: string): string =>
  wholeNumber.test(found) && !Number.isSafeInteger(Number(found)) ? `"${found}"` : found
