import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { named as shownPath, unreadableReason } from '../file-error.ts'
import { InputError } from '../input-error.ts'
import type { Monitor } from '../monitor/monitor.ts'
import {
  type MonitorFault,
  type MonitorReading,
  type MonitorSource,
  readMonitorJson,
} from '../monitor/monitor-reading.ts'
import type { RuleReading, SiemRule } from '../siem/rule.ts'
import { readRuleJson } from '../siem/rule-reading.ts'
import { type FoundMonitor, monitorsIn } from './documents.ts'
import { MONITOR_FILE, readMonitorFile } from './monitor-file.ts'
import { rulesIn } from './rule-documents.ts'

/** Monitors and rules of somebody, wherever they keep them. */
export interface Estate {
  /** Those that can be evaluated here, sorted by slug. */
  readonly monitors: readonly Monitor[]
  /** Every monitor that was found, of any type, sorted by slug. */
  readonly readings: readonly MonitorReading[]
  /** The rules of Cloud SIEM that can be evaluated here, sorted by slug. */
  readonly rules: readonly SiemRule[]
  /** Every rule that was found, of any method, sorted by slug. */
  readonly ruleReadings: readonly RuleReading[]
  /** Files that are neither JSON nor YAML, with a repeated key, or that only Terraform can read. */
  readonly broken: readonly MonitorFault[]
  /** Files that hold no monitor and no rule. */
  readonly passedOver: readonly string[]
}

/** There is nothing to read at all. */
export class EstateError extends InputError {
  override readonly name = 'EstateError'
}

export const EXPECTATION_FILE = 'expect.json'

interface Located extends FoundMonitor {
  readonly file: string
  /** The file below the folder that was given, without its ending. */
  readonly path: string
  readonly isRule: boolean
}

/**
 * Reads every monitor and every rule in a folder of JSON and YAML files, however deep, or in one file, or in several of these. A monitor that cannot be evaluated here is told by
 * its reading, and so is an option without effect: this is somebody else's estate, and its files are as Datadog wrote them.
 * @throws EstateError when there is no such folder or file
 */
export async function loadEstate(paths: string | readonly string[]): Promise<Estate> {
  const found: Located[] = []
  const broken: MonitorFault[] = []
  const passedOver: string[] = []
  for (const { path, file } of await filesBelow(typeof paths === 'string' ? [paths] : paths)) {
    const { documents, faults, isExpected } = readMonitorFile(await readFile(file), file, file === path)
    broken.push(...faults.map((fault) => ({ file, ...fault })))
    // Of two values for one key, the one that Datadog has is unknown.
    if (faults.length > 0) continue
    const monitors = documents.flatMap((document) => monitorsIn(document, file))
    const rules = documents.flatMap((document) => rulesIn(document, file))
    if (monitors.length + rules.length === 0 && (isExpected || file === path)) passedOver.push(file)
    const below = relative(path, file).replace(MONITOR_FILE, '').split(sep).join('/')
    found.push(...monitors.map((each) => ({ ...each, file, path: below, isRule: false })))
    found.push(...rules.map((each) => ({ ...each, file, path: below, isRule: true })))
  }
  const all = named(found).sort((a, b) => (a.slug < b.slug ? -1 : 1))
  const readings = all.filter(({ isRule }) => !isRule).map((each) => readingOf(each, readMonitorJson))
  const ruleReadings = all.filter(({ isRule }) => isRule).map((each) => readingOf(each, readRuleJson))
  const monitors = readings.flatMap(({ monitor }) => (monitor ? [monitor] : []))
  const rules = ruleReadings.flatMap(({ rule }) => (rule ? [rule] : []))
  return { monitors, readings, rules, ruleReadings, broken, passedOver }
}

function readingOf<R extends MonitorReading | RuleReading>(
  { slug, file, within, json, faults }: Located,
  read: (json: Record<string, unknown>, source: MonitorSource, strict: boolean) => R,
): R {
  const reading = read(json ?? {}, { slug, file, within }, false)
  if (json && faults.length === 0) return reading
  const placed = faults.map(({ place, reason }) => ({ file, place: within + place, reason }))
  return { ...reading, monitor: undefined, rule: undefined, faults: placed }
}

/** Each file once, with the path below which it was found first. */
async function filesBelow(paths: readonly string[]): Promise<{ path: string; file: string }[]> {
  const found = new Map<string, { path: string; file: string }>()
  for (const path of paths) {
    for (const file of await filesOf(path)) {
      const known = resolve(file)
      if (!found.has(known)) found.set(known, { path, file })
    }
  }
  return [...found.values()]
}

async function filesOf(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path]
    const entries = await readdir(path, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile() && MONITOR_FILE.test(entry.name) && entry.name !== EXPECTATION_FILE)
      .map((entry) => join(entry.parentPath, entry.name))
      .filter(
        (file) =>
          !relative(path, file)
            .split(sep)
            .some((part) => part.startsWith('.') || part === 'node_modules'),
      )
      .sort()
  } catch (error) {
    throw new EstateError(`${shownPath(path)}: ${unreadableReason(error)}`)
  }
}

/** Two of one name are called by their paths, and two of one path are numbered: the same files give the same names. */
function named(found: readonly Located[]): Located[] {
  const byPath = found.map((each) => (isShared(found, each.slug) ? { ...each, slug: pathOf(each) } : each))
  const seen = new Map<string, number>()
  return byPath.map((each) => {
    const count = (seen.get(each.slug) ?? 0) + 1
    seen.set(each.slug, count)
    return count === 1 ? each : { ...each, slug: `${each.slug}#${count}` }
  })
}

function pathOf({ path, slug, within }: Located): string {
  const alone = within === '' || within === 'definition.'
  if (path === '') return slug
  return alone ? path.replace(/\/monitor$/, '') : `${path}/${slug}`
}

const isShared = (found: readonly Located[], slug: string): boolean =>
  found.filter((each) => each.slug === slug).length > 1
