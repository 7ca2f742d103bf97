/** A JSON text that names one key of an object twice. */
export class RepeatedKey extends Error {
  override readonly name = 'RepeatedKey'
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true })
const [QUOTE, COLON, BACKSLASH] = [0x22, 0x3a, 0x5c]

/**
 * `JSON.parse`, except that a repeated key is an error. `JSON.parse` keeps the last value, other readers the first.
 * An attacker could show a check one value and its user another.
 * @param json a text, or its bytes in UTF-8
 * @throws TypeError if the bytes are not UTF-8, SyntaxError if the text is not JSON, {@link RepeatedKey} if an object
 * has a key twice
 * @see RFC 8259 section 4, RFC 7493 section 2.3
 */
export function parseUniqueJson(json: string | Uint8Array): unknown {
  const text = typeof json === 'string' ? json : UTF_8.decode(json)
  const value: unknown = JSON.parse(text)
  // A repeated key is written twice and parsed once.
  if (countWritten(text) !== countKeys(value)) throw new RepeatedKey('A key of this JSON text is repeated.')
  return value
}

/** Counts the keys in a JSON text: outside strings a colon occurs after a key only. */
function countWritten(text: string): number {
  let count = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === COLON) count++
    else if (code === QUOTE) at = endOfString(text, at)
  }
  return count
}

/** @returns the index of the quote that closes the string which begins at `start` */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end
}

/** An even number of backslashes before a quote escape each other. */
function isEscaped(text: string, quote: number): boolean {
  let first = quote
  while (text.charCodeAt(first - 1) === BACKSLASH) first--
  return (quote - first) % 2 === 1
}

/** Counts the keys of all objects. A loop, because recursion could exhaust the stack. */
function countKeys(value: unknown): number {
  let count = 0
  const values = [value]
  for (const each of values) {
    if (typeof each !== 'object' || each === null) continue
    const inside: unknown[] = Object.values(each)
    if (!Array.isArray(each)) count += inside.length
    for (const one of inside) if (typeof one === 'object') values.push(one)
  }
  return count
}
