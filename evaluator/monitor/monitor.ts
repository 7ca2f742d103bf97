import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { unreadableReason } from '../file-error.ts'
import { InputError } from '../input-error.ts'
import { isRecord } from '../json.ts'
import { parseDocument } from './json-document.ts'
import { type Monitor, type MonitorFault, readMonitorJson, type SearchMonitor } from './monitor-reading.ts'

export type { Monitor, MonitorFault, SearchMonitor } from './monitor-reading.ts'

/** Every fault of every monitor file, at once. */
export class MonitorError extends InputError {
  override readonly name = 'MonitorError'
  readonly faults: readonly MonitorFault[]

  constructor(faults: readonly MonitorFault[]) {
    super(faults.map(({ file, place, reason }) => `${file}${place && `: ${place}`}: ${reason}`).join('\n'))
    this.faults = faults
  }
}

/** Loads every `monitor.json` below a folder, sorted by slug. @throws MonitorError with all faults of all files */
export async function loadMonitors(dir: string): Promise<SearchMonitor[]> {
  const files = await monitorFiles(dir)
  if (files.length === 0) throw new MonitorError([{ file: dir, place: '', reason: 'holds no monitor.json' }])
  const faults: MonitorFault[] = []
  const monitors: SearchMonitor[] = []
  for (const file of files) {
    try {
      monitors.push(readImportable(await readFile(file, 'utf8'), file))
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
    throw new MonitorError([{ file: dir, place: '', reason: unreadableReason(error) }])
  }
}

/**
 * Reads one monitor of ours: it must be evaluated here, hold nothing that has no effect, and have one query, because lint, claims
 * and mutants prove one query.
 * @param file its path: named in faults, and its folder is the slug
 * @throws MonitorError with every fault
 */
export function readImportable(text: string, file: string): SearchMonitor {
  const { value, faults } = parseDocument(text)
  const found = faults.map((fault) => ({ file, ...fault }))
  if (!isRecord(value))
    throw new MonitorError(found.length > 0 ? found : [{ file, place: '', reason: 'must be a JSON object' }])
  const reading = readMonitorJson(value, { slug: basename(dirname(file)), file }, true)
  found.push(...reading.faults, ...reading.refusals)
  const { monitor } = reading
  if (monitor && !hasOneQuery(monitor)) {
    found.push({
      file,
      place: 'query',
      reason: 'a formula("…") is not proved here: a detection of ours has one logs("…")',
    })
  }
  if (!monitor || !hasOneQuery(monitor) || found.length > 0) throw new MonitorError(found)
  return monitor
}

const hasOneQuery = (monitor: Monitor): monitor is SearchMonitor => monitor.parsed.form === 'logs'
