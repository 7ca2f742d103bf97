/** A JSON text that names one key of an object twice. */
export class RepeatedKey extends Error {
  override readonly name = 'RepeatedKey'
}

/** Strings, and the characters that give a JSON text its structure. Everything between them is space or a literal. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g

/**
 * `JSON.parse`, except that a repeated key is an error: `JSON.parse` keeps the last one, other readers the first, and
 * whoever can make two readers disagree shows a check one value and its user another.
 * @throws SyntaxError if the text is not JSON, {@link RepeatedKey} if any object in it has a key twice
 * @see RFC 8259 section 4, RFC 7493 section 2.3
 */
export function parseUniqueJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  // Of each object that is open, the keys so far; of an array, nothing.
  const open: (Set<string> | undefined)[] = []
  let last = ''
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':') claim(last, open.at(-1))
    last = token
  }
  return value
}

function claim(written: string, keys: Set<string> | undefined): void {
  // Compared as it reads, not as it is written: "a" and "\u0061" are one key.
  const key = JSON.parse(written) as string
  if (keys?.has(key)) throw new RepeatedKey('A key of this JSON text is repeated.')
  keys?.add(key)
}
