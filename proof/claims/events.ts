import { logOfEvent, type Monitor } from 'alertproof'
import { type Facet, facetText, isRecord, visitField } from 'alertproof/query'

export const MINUTE_MS = 60_000

/** The evaluation after an instant: when the window [t − w, t) has just left it behind. */
export const nextMinute = (ms: number): number => (Math.floor(ms / MINUTE_MS) + 1) * MINUTE_MS

/** `5m`, `1h`: as `.last()` says it. */
export function windowText(ms: number): string {
  const minutes = ms / MINUTE_MS
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`
}

/** The group that an event belongs to, as a transition names it. */
export function groupOf(monitor: Monitor, event: object): Record<string, string> {
  const log = logOfEvent({ ...event })
  return Object.fromEntries(
    monitor.parsed.by.map(({ name, field }) => {
      let text: string | undefined
      visitField(field)(log, (value) => {
        text = facetText(value)
        return true
      })
      return [name, text ?? '']
    }),
  )
}

/** A copy with a value at a path; undefined removes it. */
export function withValue(event: object, path: readonly string[], value: unknown): Record<string, unknown> {
  const [name = '', ...rest] = path
  const entries = Object.entries(event).filter(([key]) => key !== name)
  const inner = Object.hasOwn(event, name) ? Reflect.get(event, name) : undefined
  const next = rest.length === 0 ? value : withValue(isRecord(inner) ? inner : {}, rest, value)
  // An own property of that name, even where it is `__proto__`, as JSON.parse would make it.
  return Object.fromEntries(next === undefined ? entries : [...entries, [name, next]])
}

export function valueAt(event: object, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (isRecord(value) ? value[name] : undefined), event)
}

/** The path of a facet in an event. @throws Error for a facet that is not an attribute */
export function pathOf({ name, field }: Facet): string[] {
  if (field.kind !== 'attribute') throw new Error(`${name} is not an attribute of an event`)
  return field.path.split('.')
}
