/** An object of Datadog's API in the form of the files: snake_case, as it goes over the wire. */
export type Json = Readonly<Record<string, unknown>>

export interface Difference {
  /** Where in the object: `options.thresholds.critical`. */
  readonly path: string
  readonly from: unknown
  readonly to: unknown
}

/** Their order means nothing, and Datadog does not keep it. */
const SETS = new Set(['tags'])
/** JSON inside a text: its spaces mean nothing. */
const JSON_TEXTS = new Set(['payload', 'custom_headers'])

/**
 * Compares what is wanted with what is there. Datadog adds ids, dates and defaults of its own, so a key that is not wanted
 * is not compared: what a file no longer names stays as it is.
 */
export function differences(wanted: unknown, found: unknown, path = ''): Difference[] {
  const key = path.slice(path.lastIndexOf('.') + 1)
  if (SETS.has(key) && isTexts(wanted) && isTexts(found)) {
    return String([...wanted].sort()) === String([...found].sort()) ? [] : [{ path, from: found, to: wanted }]
  }
  if (Array.isArray(wanted) && Array.isArray(found) && wanted.length === found.length) {
    return wanted.flatMap((item, i) => differences(item, found[i], `${path}[${i}]`))
  }
  if (isJson(wanted) && isJson(found)) {
    return Object.entries(wanted).flatMap(([name, value]) =>
      differences(value, found[name], path === '' ? name : `${path}.${name}`),
    )
  }
  const same = JSON_TEXTS.has(key) ? canonical(wanted) === canonical(found) : equal(wanted, found)
  return same ? [] : [{ path, from: found, to: wanted }]
}

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const tagsOf = (json: Json): readonly string[] => (isTexts(json.tags) ? json.tags : [])

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

const equal = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null)

function canonical(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value ?? null)
  try {
    return JSON.stringify(JSON.parse(value))
  } catch {
    return value
  }
}
