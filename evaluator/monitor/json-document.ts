/** A fault of a JSON text, and where: `3:14` counts lines and columns from 1. */
export interface JsonFault {
  readonly place: string
  readonly reason: string
}

export interface JsonDocument {
  /** Undefined when the text is not JSON. */
  readonly value: unknown
  readonly faults: readonly JsonFault[]
}

/**
 * Parses a JSON text that a person wrote. A repeated key in one object is a fault, because every parser
 * drops one of the two values silently. @see RFC 8259, section 4
 */
export function parseDocument(text: string): JsonDocument {
  const json = text.replace(/^\uFEFF/, '')
  try {
    const value: unknown = JSON.parse(json)
    return { value, faults: repeatedKeys(json) }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const { message } = error
    const [, position] = /at position (\d+)/.exec(message) ?? []
    const place = placeOf(json, position === undefined ? json.length : Number(position))
    const reason = `is not JSON: ${message.replace(/ in JSON.*| \(line.*/s, '')}`
    return { value: undefined, faults: [{ place, reason }] }
  }
}

function placeOf(text: string, position: number): string {
  const before = text.slice(0, position).split('\n')
  return `${before.length}:${(before.at(-1) ?? '').length + 1}`
}

/** Finds repeated keys in a text that is known to be JSON, by the begin and end of its strings and objects. */
function repeatedKeys(json: string): JsonFault[] {
  const faults: JsonFault[] = []
  const open: (Set<string> | undefined)[] = []
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]]/g
  const colon = /\s*:/y
  for (const found of json.matchAll(token)) {
    const [text] = found
    if (text === '{') open.push(new Set())
    else if (text === '[') open.push(undefined)
    else if (text === '}' || text === ']') open.pop()
    else {
      const keys = open.at(-1)
      colon.lastIndex = found.index + text.length
      if (!keys || !colon.test(json)) continue
      const key = String(JSON.parse(text))
      if (keys.has(key)) faults.push({ place: placeOf(json, found.index), reason: `the key ${text} occurs twice` })
      keys.add(key)
    }
  }
  return faults
}
