/** A JSON text that names one key of an object twice. */
export class RepeatedKey extends Error {
  override readonly name = 'RepeatedKey'
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true })
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/g

/**
 * `JSON.parse`, except that a repeated key is an error: `JSON.parse` keeps the last one, other readers the first, and
 * whoever can make two readers disagree shows a check one value and its user another.
 * @param json a text, or its bytes in UTF-8
 * @throws TypeError if the bytes are not UTF-8, SyntaxError if the text is not JSON, {@link RepeatedKey} if any object in
 * it has a key twice
 * @see RFC 8259 section 4, RFC 7493 section 2.3
 */
export function parseUniqueJson(json: string | Uint8Array): unknown {
  const text = typeof json === 'string' ? json : UTF_8.decode(json)
  const value: unknown = JSON.parse(text)
  // Outside of strings a colon follows a key and stands nowhere else. A repeated key is written twice and read once.
  const written = text.replaceAll(STRING, '').split(':').length - 1
  if (written !== countKeys(value)) throw new RepeatedKey('A key of this JSON text is repeated.')
  return value
}

/** Of every object in it. A loop, because a recursion would end where the stack does. */
function countKeys(value: unknown): number {
  let count = 0
  const values = [value]
  for (const each of values) {
    if (typeof each !== 'object' || each === null) continue
    const inside: unknown[] = Object.values(each)
    if (!Array.isArray(each)) count += inside.length
    for (const one of inside) values.push(one)
  }
  return count
}
