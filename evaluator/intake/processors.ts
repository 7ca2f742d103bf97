import { z } from 'zod'
import { isRecord } from '../json.ts'
import type { IndexedLog } from '../log.ts'
import { compileGrok, GrokError } from './grok.ts'
import { readDate, statusOf } from './preprocess.ts'

/**
 * Changes a log that has been preprocessed.
 * @param receivedAt epoch ms of its arrival; later dates are not read
 */
export type Process = (log: IndexedLog, receivedAt: number) => void

const Path = z.string().regex(/^[\w@-]+(\.[\w@-]+)*$/, 'must be a path such as network.client.ip')
const Sources = z.array(Path).min(1)
const COMMON = { name: z.string().optional(), is_enabled: z.boolean().default(false) }
const remapper = <T extends string>(type: T) => z.strictObject({ ...COMMON, type: z.literal(type), sources: Sources })

const GrokRules = z.string().transform((rules, context) => {
  try {
    return compileGrok(rules)
  } catch (error) {
    if (!(error instanceof GrokError)) throw error
    context.addIssue({ code: 'custom', message: error.message })
    return z.NEVER
  }
})

const GrokParser = z
  .strictObject({
    ...COMMON,
    type: z.literal('grok-parser'),
    source: Path,
    samples: z.array(z.string()).max(5).optional(),
    grok: z.strictObject({ match_rules: GrokRules, support_rules: z.literal('').optional() }),
  })
  .transform(({ source, grok }): Process => {
    return (log) => {
      const text = source === 'message' ? log.message : valueAt(log, source)
      if (typeof text !== 'string') return
      for (const [target, value] of grok.match_rules(text) ?? []) {
        // Undocumented: an extracted name that the log already has. Choice: the extracted value replaces it.
        if (target === '') log.attributes = { ...log.attributes, ...(isRecord(value) ? value : {}) }
        else setAt(log, target, value, true)
      }
    }
  })

const AttributeRemapper = z
  .strictObject({
    ...COMMON,
    type: z.literal('attribute-remapper'),
    sources: Sources,
    source_type: z.literal('attribute'),
    target: Path,
    target_type: z.enum(['attribute', 'tag']),
    preserve_source: z.boolean().default(true),
    override_on_conflict: z.boolean().default(false),
  })
  .transform((remap): Process => {
    return (log) => {
      const source = remap.sources.find((each) => valueAt(log, each) !== undefined)
      if (source === undefined) return
      const value = valueAt(log, source)
      if (!remap.preserve_source) removeAt(log, source)
      if (remap.target_type === 'attribute') setAt(log, remap.target, value, remap.override_on_conflict)
      else if (typeof value !== 'object') setTag(log, remap.target, String(value), remap.override_on_conflict)
    }
  })

const DateRemapper = remapper('date-remapper').transform(({ sources }): Process => {
  return (log, receivedAt) => {
    const dates = sources.map((source) => readDate(valueAt(log, source), receivedAt))
    log.timestamp = dates.find((date) => date !== undefined) ?? log.timestamp
  }
})

const StatusRemapper = remapper('status-remapper').transform(({ sources }): Process => {
  return (log) => {
    const value = firstOf(log, sources)
    if (value !== undefined) log.status = statusOf(value)
  }
})

const ServiceRemapper = remapper('service-remapper').transform(({ sources }): Process => {
  return (log) => {
    const value = firstOf(log, sources)
    if (typeof value === 'string' && value !== '') log.service = value
  }
})

/** The processors that are supported, by `type`, as documented in logs/log_configuration/processors. */
export const PROCESSORS: Readonly<Record<string, z.ZodType<Process>>> = {
  'grok-parser': GrokParser,
  'attribute-remapper': AttributeRemapper,
  'date-remapper': DateRemapper,
  'status-remapper': StatusRemapper,
  'service-remapper': ServiceRemapper,
}

const firstOf = (log: IndexedLog, sources: readonly string[]): unknown =>
  sources.map((source) => valueAt(log, source)).find((value) => value !== undefined)

/** @returns the value of an attribute; undefined for null, which Datadog does not store */
function valueAt({ attributes }: IndexedLog, at: string): unknown {
  let value: unknown = attributes
  for (const name of at.split('.')) {
    if (!isRecord(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value ?? undefined
}

/** Sets a value at a path and creates missing objects. An existing value, at the path or along it, is replaced only with `override`. */
function setAt({ attributes }: IndexedLog, at: string, value: unknown, override: boolean): void {
  const [names, last] = splitPath(at)
  let holder = attributes
  for (const name of names) {
    const inner = Object.hasOwn(holder, name) ? holder[name] : undefined
    if (inner !== undefined && inner !== null && !isRecord(inner) && !override) return
    const next = isRecord(inner) ? inner : {}
    holder[name] = next
    holder = next
  }
  if (override || !Object.hasOwn(holder, last) || holder[last] === null) holder[last] = value
}

/** @returns the names of the objects along a path, and the last name */
function splitPath(at: string): [names: string[], last: string] {
  const names = at.split('.')
  return [names.slice(0, -1), names.at(-1) ?? '']
}

function removeAt({ attributes }: IndexedLog, at: string): void {
  const [names, last] = splitPath(at)
  const holder = names.reduce<unknown>((inner, name) => (isRecord(inner) ? inner[name] : undefined), attributes)
  if (isRecord(holder)) delete holder[last]
}

function setTag(log: IndexedLog, key: string, value: string, override: boolean): void {
  const tags = log.tags ?? []
  const others = tags.filter((tag) => tag.split(':', 1)[0] !== key)
  if (others.length < tags.length && !override) return
  log.tags = [...others, `${key}:${value}`.toLowerCase()]
}
