/** Names that Datadog's intake moves out of the attributes of a log. */
const RESERVED: Readonly<Record<string, string>> = { service: 'service', env: 'env', level: 'status', host: 'host' }
/** Not to be searched by value: the time range does that. */
const UNSEARCHED = new Set(['timestamp'])

export interface Attribute {
  /** As a search names it: `@usr.id`, `service`. */
  readonly key: string
  readonly value: string
  /** The search for logs with this value; undefined where no term can ask for it. */
  readonly term: string | undefined
}

/** The attributes of a line, nested names joined by dots; empty for a line that is no JSON object. */
export function attributesOf(line: string): Attribute[] {
  const found: Attribute[] = []
  const visit = (path: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, inner] of Object.entries(value)) visit(path === '' ? name : `${path}.${name}`, inner)
    } else if (path !== '') found.push(attribute(path, value))
  }
  visit('', objectIn(line))
  return found
}

function attribute(path: string, value: unknown): Attribute {
  const key = RESERVED[path] ?? `@${path}`
  const text = Array.isArray(value) || value === null ? JSON.stringify(value) : String(value)
  const searched: unknown = Array.isArray(value) ? value[0] : value
  const isPlain = ['string', 'number', 'boolean'].includes(typeof searched)
  return { key, value: text, term: isPlain && !UNSEARCHED.has(path) ? termOf(key, String(searched)) : undefined }
}

/** A term of Datadog's search: quoted unless the value is one word of it. */
export const termOf = (key: string, value: string): string =>
  `${key}:${/^[\w.]+$/.test(value) && !/^(AND|OR|NOT|TO)$/.test(value) ? value : quoted(value)}`

/** A phrase of Datadog's search. */
export const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`

/** The search for the events of a group. */
export const searchOfGroup = (group: Readonly<Record<string, string>>): string =>
  Object.entries(group)
    .map(([facet, value]) => termOf(facet, value))
    .join(' ')

/** A search with one more term; a search with alternatives is put in parentheses first. */
export function narrowed(query: string, term: string, exclude = false): string {
  const added = exclude ? `-${term}` : term
  const present = query.trim()
  if (present === '' || present === '*') return added
  if (present.split(/\s+/).includes(added)) return present
  return /\bOR\b/.test(present) ? `(${present}) ${added}` : `${present} ${added}`
}

/** The attributes of an event of the lab, or undefined where the line is another one. */
export function objectIn(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** What an event says, in one line: what it is, how it ended and why. */
export interface Summary {
  readonly what: string
  readonly outcome: string
  readonly rest: string
}

export function summaryOf(line: string): Summary {
  const event = objectIn(line)
  const text = (name: string) => (typeof event?.[name] === 'string' ? event[name] : '')
  if (!event || text('evt') === '') return { what: '', outcome: '', rest: text('message') || line }
  const rest = [text('reason') || text('action'), text('ip'), text('email') || text('sid')]
  return { what: text('evt'), outcome: text('outcome'), rest: rest.filter((part) => part !== '').join(' · ') }
}

const BAD = new Set(['fail', 'refused', 'fork', 'invalid', 'revoked', 'unbound'])
const GOOD = new Set(['success', 'accepted', 'new', 'renewed', 'enabled'])

export function toneOf(outcome: string): 'good' | 'danger' | 'quiet' {
  if (BAD.has(outcome)) return 'danger'
  return GOOD.has(outcome) ? 'good' : 'quiet'
}
