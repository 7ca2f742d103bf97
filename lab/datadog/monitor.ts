import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isRecord, type MonitorOptions, optionChecks, thresholdFaults } from './monitor-options.ts'
import { type MonitorQuery, parseMonitorQuery, QueryError } from './monitor-query.ts'

/** A log monitor exactly as `POST /api/v1/monitor` takes it, read and checked. */
export interface Monitor {
  /** The folder it came from: `credential-stuffing`. */
  readonly slug: string
  readonly file: string
  /** Stands for the id that Datadog would give; the same for the same slug. */
  readonly id: number
  readonly name: string
  readonly type: 'log alert'
  readonly query: string
  readonly message: string
  readonly tags: readonly string[]
  readonly priority: number | null
  readonly options: MonitorOptions
  readonly parsed: MonitorQuery
}

export interface MonitorFault {
  readonly file: string
  /** Where in the JSON: `options.thresholds.critical`; with a position in the text where there is one: `query:57`. */
  readonly place: string
  readonly reason: string
}

/** Every fault of every monitor file, at once. */
export class MonitorError extends Error {
  override readonly name = 'MonitorError'
  readonly faults: readonly MonitorFault[]

  constructor(faults: readonly MonitorFault[]) {
    super(faults.map(({ file, place, reason }) => `${file}${place && `: ${place}`}: ${reason}`).join('\n'))
    this.faults = faults
  }
}

/** What the UI exports and the API refuses or ignores. */
const readOnlyKeys = [
  ...['id', 'assets', 'matching_downtimes', 'creator', 'created', 'created_at', 'deleted', 'org_id', 'modified'],
  ...['overall_state', 'overall_state_modified', 'multi', 'state', 'restriction_policy', 'restriction_query'],
]

type Note = (place: string, reason: string) => void

/** Loads every `monitor.json` below a folder, sorted by slug. @throws MonitorError with all faults of all files */
export async function loadMonitors(dir: string): Promise<Monitor[]> {
  const files = await monitorFiles(dir)
  if (files.length === 0) throw new MonitorError([{ file: dir, place: '', reason: 'holds no monitor.json' }])
  const faults: MonitorFault[] = []
  const monitors: Monitor[] = []
  for (const file of files) {
    try {
      monitors.push(readMonitor(await readFile(file, 'utf8'), file))
    } catch (error) {
      if (!(error instanceof MonitorError)) throw error
      faults.push(...error.faults)
    }
  }
  monitors.sort((a, b) => (a.slug < b.slug ? -1 : 1))
  for (const [i, monitor] of monitors.entries()) {
    if (monitors[i - 1]?.slug !== monitor.slug) continue
    faults.push({
      file: monitor.file,
      place: '',
      reason: `its folder has the name of another monitor's: ${monitor.slug}`,
    })
  }
  if (faults.length > 0) throw new MonitorError(faults)
  return monitors
}

async function monitorFiles(dir: string): Promise<string[]> {
  try {
    const entries = await readdir(dir, { recursive: true })
    return entries
      .filter((path) => basename(path) === 'monitor.json')
      .sort()
      .map((path) => join(dir, path))
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : (error as Error).message
    throw new MonitorError([{ file: dir, place: '', reason }])
  }
}

/**
 * Reads one monitor.
 * @param file its path: named in faults, and its folder is the slug
 * @throws MonitorError with every fault that can be told at once
 */
export function readMonitor(text: string, file: string): Monitor {
  const faults: MonitorFault[] = []
  const note: Note = (place, reason) => faults.push({ file, place, reason })
  const json = parseJson(text, note)
  if (json) checkKeys(json, note)
  const parsed = json && readQuery(json.query, note)
  const options = json ? readOptions(json.options ?? {}, parsed, note) : {}
  if (!json || !parsed || faults.length > 0) throw new MonitorError(faults)
  const slug = basename(dirname(file))
  return {
    slug,
    file,
    id: createHash('sha256').update(slug).digest().readUInt32BE(),
    name: typeof json.name === 'string' ? json.name : slug,
    type: 'log alert',
    query: json.query as string,
    message: typeof json.message === 'string' ? json.message : '',
    tags: (json.tags ?? []) as string[],
    priority: (json.priority ?? null) as number | null,
    options,
    parsed,
  }
}

function parseJson(text: string, note: Note): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text)
    if (isRecord(json)) return json
    note('', 'a JSON object is wanted')
  } catch (error) {
    const { message } = error as Error
    const [, position] = /at position (\d+)/.exec(message) ?? []
    const before = text.slice(0, position === undefined ? text.length : Number(position)).split('\n')
    note(
      `${before.length}:${(before.at(-1) ?? '').length + 1}`,
      `is not JSON: ${message.replace(/ in JSON.*| \(line.*/s, '')}`,
    )
  }
  return undefined
}

const isTextList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

function checkKeys(json: Record<string, unknown>, note: Note): void {
  const wanted = (key: string, holds: boolean, what: string) => holds || note(key, what)
  const text = (value: unknown) => typeof value === 'string' && value !== ''
  const checks: Record<string, (value: unknown) => unknown> = {
    type: (value) =>
      wanted('type', value === 'log alert', `only "log alert" is evaluated here, not ${JSON.stringify(value)}`),
    query: () => true,
    name: (value) => wanted('name', text(value), 'a text is wanted'),
    message: (value) => wanted('message', text(value), 'a text is wanted'),
    tags: (value) => wanted('tags', isTextList(value), 'a list of texts is wanted'),
    priority: (value) =>
      wanted('priority', value === null || [1, 2, 3, 4, 5].includes(value as number), '1 to 5 or null is wanted'),
    options: () => true,
    restricted_roles: (value) =>
      wanted('restricted_roles', value === null || isTextList(value), 'null or a list of ids is wanted'),
    draft_status: (value) =>
      wanted('draft_status', value === 'published', 'only "published" is evaluated here: a draft never notifies'),
  }
  for (const [key, value] of Object.entries(json)) {
    if (readOnlyKeys.includes(key)) note(key, 'is read-only, as the UI exports it: leave it out')
    else if (!Object.hasOwn(checks, key)) note(key, 'is not a key of a monitor')
    else checks[key]?.(value)
  }
  for (const key of ['name', 'type', 'query', 'message']) {
    if (!Object.hasOwn(json, key)) note(key, 'is missing')
  }
}

function readQuery(query: unknown, note: Note): MonitorQuery | undefined {
  if (typeof query !== 'string') {
    if (query !== undefined) note('query', 'a text is wanted')
    return undefined
  }
  try {
    return parseMonitorQuery(query)
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    note(`query:${error.position + 1}`, error.message)
    return undefined
  }
}

function readOptions(options: unknown, query: MonitorQuery | undefined, note: Note): MonitorOptions {
  if (!isRecord(options)) {
    note('options', 'an object is wanted')
    return {}
  }
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(optionChecks, name) ? optionChecks[name] : undefined
    const fault = check ? check(value) : 'is not an option of a log monitor'
    if (fault !== undefined) note(`options.${name}`, fault)
  }
  if (query && isRecord(options.thresholds)) {
    for (const [name, reason] of thresholdFaults(options.thresholds, query.operator, query.threshold)) {
      note(`options.thresholds.${name}`, reason)
    }
  }
  return options as MonitorOptions
}
