import { z } from 'zod'
import type { IndexedLog } from '../log.ts'
import { compileGrok, GrokError } from './grok.ts'
import { isObject, readDate, statusOf } from './preprocess.ts'

/**
 * Changes a log that has been preprocessed.
 * @param receivedAt epoch ms of its arrival: no date may be far ahead of it
 */
export type Process = (log: IndexedLog, receivedAt: number) => void

const path = z.string().regex(/^[\w@-]+(\.[\w@-]+)*$/, 'must be a path such as network.client.ip')
const sources = z.array(path).min(1)
const common = { name: z.string().optional(), is_enabled: z.boolean().default(false) }
const remapper = <T extends string>(type: T) => z.strictObject({ ...common, type: z.literal(type), sources })

const grokRules = z.string().transform((rules, context) => {
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
    ...common,
    type: z.literal('grok-parser'),
    source: path,
    samples: z.array(z.string()).max(5).optional(),
    grok: z.strictObject({ match_rules: grokRules, support_rules: z.literal('').optional() }),
  })
  .transform(({ source, grok }): Process => {
    return (log) => {
      const text = source === 'message' ? log.message : valueAt(log, source)
      if (typeof text !== 'string') return
      for (const [target, value] of grok.match_rules(text) ?? []) {
        // Undocumented: an extracted name that is there already. Choice: what was extracted wins.
        if (target === '') log.attributes = { ...log.attributes, ...(value as Record<string, unknown>) }
        else setAt(log, target, value, true)
      }
    }
  })

const AttributeRemapper = z
  .strictObject({
    ...common,
    type: z.literal('attribute-remapper'),
    sources,
    source_type: z.literal('attribute'),
    target: path,
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

/** The processors that are applied here, by `type`. Each is as in Datadog's documentation, logs/log_configuration/processors. */
export const PROCESSORS: Readonly<Record<string, z.ZodType<Process>>> = {
  'grok-parser': GrokParser,
  'attribute-remapper': AttributeRemapper,
  'date-remapper': DateRemapper,
  'status-remapper': StatusRemapper,
  'service-remapper': ServiceRemapper,
}

const firstOf = (log: IndexedLog, sources: readonly string[]): unknown =>
  sources.map((source) => valueAt(log, source)).find((value) => value !== undefined)

/** @returns what an attribute holds; undefined for null, which Datadog does not keep */
function valueAt({ attributes }: IndexedLog, at: string): unknown {
  let value: unknown = attributes
  for (const name of at.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value ?? undefined
}

/** Makes the objects on the way. One of another kind on the way is a conflict, as a value at the end is. */
function setAt({ attributes }: IndexedLog, at: string, value: unknown, override: boolean): void {
  const names = at.split('.')
  const last = names.pop() as string
  let holder = attributes
  for (const name of names) {
    const inner = Object.hasOwn(holder, name) ? holder[name] : undefined
    if (inner !== undefined && inner !== null && !isObject(inner) && !override) return
    const next = isObject(inner) ? inner : {}
    holder[name] = next
    holder = next
  }
  if (override || !Object.hasOwn(holder, last) || holder[last] === null) holder[last] = value
}

function removeAt({ attributes }: IndexedLog, at: string): void {
  const names = at.split('.')
  const last = names.pop() as string
  const holder = names.reduce<unknown>((inner, name) => (isObject(inner) ? inner[name] : undefined), attributes)
  if (isObject(holder)) delete holder[last]
}

function setTag(log: IndexedLog, key: string, value: string, override: boolean): void {
  const tags = log.tags ?? []
  const others = tags.filter((tag) => tag.split(':', 1)[0] !== key)
  if (others.length < tags.length && !override) return
  log.tags = [...others, `${key}:${value}`.toLowerCase()]
}
