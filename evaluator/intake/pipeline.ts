import { z } from 'zod'
import { isRecord } from '../json.ts'
import { compileSearch, SearchSyntaxError } from '../search/search.ts'
import { PROCESSORS, type Process } from './processors.ts'

/** A compiled log pipeline, read from the body of `POST /api/v1/logs/config/pipelines`. */
export interface Pipeline {
  readonly name: string
  readonly process: Process
}

/** Thrown with every fault of a pipeline, by place. */
class PipelineError extends Error {
  override readonly name = 'PipelineError'
}

const Filter = z.strictObject({ query: z.string().min(1) })
const Outer = z.strictObject({
  name: z.string().min(1),
  description: z.string().optional(),
  tags: z.array(z.string()).optional(),
  is_enabled: z.boolean().default(false),
  filter: Filter,
  processors: z.array(z.unknown()),
})
const Inner = Outer.extend({ type: z.literal('pipeline') })

type Note = (place: string, reason: string) => void

/**
 * Reads a pipeline.
 * @param file its path for the error
 * @throws PipelineError naming every processor, option and query that is not supported, with its place
 */
export function readPipeline(text: string, file: string): Pipeline {
  const faults: string[] = []
  const note: Note = (place, reason) => faults.push(`${file}${place && `: ${place}`}: ${reason}`)
  const json = parseJson(text, note)
  const pipeline = json === undefined ? undefined : compile(json, Outer, '', note)
  if (!pipeline || faults.length > 0) throw new PipelineError(faults.join('\n'))
  return pipeline
}

function parseJson(text: string, note: Note): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    note('', `is not JSON: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

/** Compiles a pipeline. Documented: its processors run in order, and none runs if its filter does not match. */
function compile(json: unknown, schema: typeof Outer | typeof Inner, place: string, note: Note): Pipeline | undefined {
  const result = schema.safeParse(json)
  if (!result.success) {
    noteIssues(result.error, place, note)
    return undefined
  }
  const { name, is_enabled, filter, processors } = result.data
  const matches = compileFilter(filter.query, `${within(place)}filter.query`, note)
  const steps = processors.map((processor, i) => compileProcessor(processor, `${within(place)}processors[${i}]`, note))
  const process: Process = (log, receivedAt) => {
    if (!is_enabled || !matches(log)) return
    for (const step of steps) step?.(log, receivedAt)
  }
  return { name, process }
}

function compileProcessor(json: unknown, place: string, note: Note): Process | undefined {
  const { type, is_enabled } = isRecord(json) ? json : {}
  if (type === 'pipeline') return compile(json, Inner, place, note)?.process
  const schema = typeof type === 'string' && Object.hasOwn(PROCESSORS, type) ? PROCESSORS[type] : undefined
  if (!schema) {
    note(place, `the processor ${JSON.stringify(type)} is not supported`)
    return undefined
  }
  const result = schema.safeParse(json)
  if (!result.success) {
    noteIssues(result.error, place, note)
    return undefined
  }
  return is_enabled === true ? result.data : () => {}
}

function compileFilter(query: string, place: string, note: Note) {
  try {
    return compileSearch(query)
  } catch (error) {
    if (!(error instanceof SearchSyntaxError)) throw error
    note(place, error.message)
    return () => false
  }
}

function noteIssues({ issues }: z.ZodError, place: string, note: Note): void {
  for (const issue of issues) {
    const at = issue.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
    note(`${place}${at}`.replace(/^\./, ''), issue.message)
  }
}

const within = (place: string): string => (place === '' ? '' : `${place}.`)
