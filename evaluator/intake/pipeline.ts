import { z } from 'zod'
import { isRecord } from '../monitor/monitor-options.ts'
import { compileSearch, SearchSyntaxError } from '../search/search.ts'
import { PROCESSORS, type Process } from './processors.ts'

/** A log pipeline exactly as `POST /api/v1/logs/config/pipelines` takes it, read, checked and ready to be applied. */
export interface Pipeline {
  readonly name: string
  readonly process: Process
}

/** Every fault of one pipeline file, by place. */
class PipelineError extends Error {
  override readonly name = 'PipelineError'
}

const filter = z.strictObject({ query: z.string().min(1) })
const Outer = z.strictObject({
  name: z.string().min(1),
  description: z.string().optional(),
  tags: z.array(z.string()).optional(),
  is_enabled: z.boolean().default(false),
  filter,
  processors: z.array(z.unknown()),
})
const Inner = Outer.extend({ type: z.literal('pipeline') })

type Note = (place: string, reason: string) => void

/**
 * Reads one pipeline.
 * @param file its path, named in the error
 * @throws PipelineError naming every processor, option and query that is not applied here, with its place
 */
export function readPipeline(text: string, file: string): Pipeline {
  const faults: string[] = []
  const note: Note = (place, reason) => faults.push(`${file}${place && `: ${place}`}: ${reason}`)
  const json = parseJson(text, note)
  const process = json === undefined ? undefined : compile(json, Outer, '', note)
  if (!process || faults.length > 0) throw new PipelineError(faults.join('\n'))
  return { name: (json as { name: string }).name, process }
}

function parseJson(text: string, note: Note): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    note('', `is not JSON: ${(error as Error).message}`)
    return undefined
  }
}

/** Documented: processors run one after the other, and a pipeline whose filter does not match runs none of them. */
function compile(json: unknown, schema: typeof Outer | typeof Inner, place: string, note: Note): Process | undefined {
  const result = schema.safeParse(json)
  if (!result.success) {
    noteIssues(result.error, place, note)
    return undefined
  }
  const { is_enabled, filter, processors } = result.data
  const matches = compileFilter(filter.query, `${within(place)}filter.query`, note)
  const steps = processors.map((processor, i) => compileProcessor(processor, `${within(place)}processors[${i}]`, note))
  return (log, receivedAt) => {
    if (!is_enabled || !matches(log)) return
    for (const step of steps) step?.(log, receivedAt)
  }
}

function compileProcessor(json: unknown, place: string, note: Note): Process | undefined {
  const type = isRecord(json) ? json.type : undefined
  if (type === 'pipeline') return compile(json, Inner, place, note)
  const schema = typeof type === 'string' && Object.hasOwn(PROCESSORS, type) ? PROCESSORS[type] : undefined
  if (!schema) {
    note(place, `the processor ${JSON.stringify(type)} is not applied here`)
    return undefined
  }
  const result = schema.safeParse(json)
  if (!result.success) {
    noteIssues(result.error, place, note)
    return undefined
  }
  return (json as { is_enabled?: boolean }).is_enabled === true ? result.data : () => {}
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
