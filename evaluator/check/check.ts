import { readFile } from 'node:fs/promises'
import type { Log } from '../log.ts'
import { loadEstate } from '../monitor/estate/index.ts'
import type { MonitorFault, MonitorReading } from '../monitor/monitor-reading.ts'
import { type SilentTerm, SilentTerms } from '../search/silent-terms.ts'
import { costRemarks } from './cost-remarks.ts'
import type { CheckReport, Finding, Level } from './finding.ts'
import { messageRemarks } from './message-remarks.ts'
import { SourcePlaces } from './source-places.ts'

/** Gives logs, one after the other. */
export type LogSource = (take: (log: Log) => void) => Promise<void>

const LEVELS: readonly Level[] = ['error', 'warning', 'note']

/**
 * Says what an import of monitors would answer: schema, query, constraints between options, message, and what delays and limits
 * cost. It needs neither keys nor network.
 * @param paths folders and files of monitors, in any form that {@link loadEstate} reads
 * @param logs which terms and facets must occur in
 * @throws EstateError when a path does not exist
 */
export async function checkMonitors(paths: readonly string[], logs?: LogSource): Promise<CheckReport> {
  const findings: Finding[] = []
  const readings: MonitorReading[] = []
  const places = new Map<string, SourcePlaces>()
  const add = async (file: string, remark: Omit<Finding, 'file' | 'line' | 'column'>) => {
    let known = places.get(file)
    if (!known) {
      known = new SourcePlaces(await readFile(file, 'utf8'))
      places.set(file, known)
    }
    findings.push({ ...remark, file, ...known.find(remark.place) })
  }
  let unreadable = false
  for (const path of paths) {
    const estate = await loadEstate(path)
    for (const { file, place, reason } of estate.broken) {
      const isJson = !reason.startsWith('is not JSON')
      unreadable ||= !isJson
      const rule = isJson ? 'repeated-key' : 'not-json'
      await add(file, { level: 'error', rule, place, message: reason, monitor: undefined })
    }
    readings.push(...estate.readings)
  }
  const silent = logs === undefined ? [] : await silentIn(readings, logs)
  for (const [i, reading] of readings.entries()) {
    for (const remark of remarksOf(
      reading,
      silent.filter(({ search }) => search === i),
    )) {
      await add(reading.file, { ...remark, monitor: reading.slug })
    }
  }
  findings.sort(
    (a, b) =>
      (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
      a.line - b.line ||
      a.column - b.column ||
      LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level),
  )
  const checked = readings.map(({ file, slug, json }) => ({ file, monitor: slug, tags: tagsOf(json) }))
  return { findings, checked, unreadable }
}

const tagsOf = ({ tags }: Readonly<Record<string, unknown>>): string[] =>
  Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : []

type MonitorRemark = Omit<Finding, 'file' | 'line' | 'column' | 'monitor'>

function remarksOf(reading: MonitorReading, silent: readonly SilentTerm[]): MonitorRemark[] {
  const { faults, refusals, notes, json, parsed, type, within } = reading
  const of = (level: Level, rule: string) => (fault: MonitorFault) => ({
    ...{ level, rule: fault.rule ?? rule, place: fault.place, message: fault.reason },
  })
  const remarks = [
    ...faults.map(of('error', 'schema')),
    ...notes.map(of('warning', 'no-effect')),
    ...refusals.map(of('note', type === 'log alert' ? 'not-evaluated' : 'not-a-log-alert')),
  ]
  if (type !== 'log alert') return remarks
  const inside = [
    ...messageRemarks(json, parsed),
    ...(parsed ? costRemarks(json, parsed) : []),
    ...silent.map(({ text }) => ({ level: 'warning', rule: 'silent-term', place: 'query', message: text }) as const),
  ]
  return [...remarks, ...inside.map((remark) => ({ ...remark, place: within + remark.place }))]
}

async function silentIn(readings: readonly MonitorReading[], logs: LogSource): Promise<SilentTerm[]> {
  const searches = readings.map(({ parsed }) => {
    if (!parsed || parsed.form === 'formula') return { node: { kind: 'all' } as const, facets: [] }
    const counted = 'of' in parsed.rollup ? [parsed.rollup.of] : []
    return { node: parsed.node, facets: [...parsed.by, ...counted].map(({ field }) => field) }
  })
  const silent = new SilentTerms(searches)
  let any = false
  await logs((log) => {
    any = true
    silent.observe(log)
  })
  return any ? silent.list() : []
}
