/** An object of Datadog's API as it is sent and as the files hold it, with snake_case keys. */
export type Json = Readonly<Record<string, unknown>>

export interface Difference {
  /** Where in the object: `options.thresholds.critical`. */
  readonly path: string
  readonly from: unknown
  readonly to: unknown
}

/** Lists without order: Datadog does not keep it. */
const SETS = new Set(['tags'])
/** Texts that hold JSON: compared without their whitespace. */
const JSON_TEXTS = new Set(['payload', 'custom_headers'])

/**
 * Compares a wanted object with the one in Datadog. Datadog adds ids, dates and defaults, so only the keys of `wanted` are
 * compared: a key that was removed from a file stays in Datadog.
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
