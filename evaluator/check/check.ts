import { readFile } from 'node:fs/promises'
import { loadEstate } from '../estate/index.ts'
import { isRecord } from '../json.ts'
import type { Log } from '../log.ts'
import { refusedNow } from '../monitor/monitor-options.ts'
import type { Facet, MonitorQuery } from '../monitor/monitor-query.ts'
import type { MonitorFault, MonitorReading } from '../monitor/monitor-reading.ts'
import { type SilentTerm, SilentTerms, type Watched } from '../search/silent-terms.ts'
import { slipsIn } from '../search/slips.ts'
import type { RuleReading } from '../siem/rule.ts'
import { costRemarks } from './cost-remarks.ts'
import type { CheckReport, Finding, Level } from './finding.ts'
import { messageRemarks } from './message-remarks.ts'
import { ruleMessageRemarks } from './rule-message-remarks.ts'
import { SourcePlaces } from './source-places.ts'

/** Gives logs, one after the other. */
export type LogSource = (take: (log: Log) => void) => Promise<void>

const LEVELS: readonly Level[] = ['error', 'warning', 'note']

/**
 * Says what an import of monitors and rules would answer: schema, query, constraints between options, message, and what delays and limits
 * cost. It needs neither keys nor network.
 * @param paths folders and files of monitors, in any form that {@link loadEstate} reads
 * @param logs which terms and facets must occur in
 * @throws EstateError when a path does not exist
 */
export async function checkMonitors(paths: readonly string[], logs?: LogSource): Promise<CheckReport> {
  const findings: Finding[] = []
  const readings: Reading[] = []
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
    for (const { file, place, reason, rule = 'not-json' } of estate.broken) {
      unreadable ||= rule !== 'repeated-key'
      await add(file, { level: 'error', rule, place, message: reason, monitor: undefined })
    }
    readings.push(...estate.readings, ...estate.ruleReadings)
  }
  const silent = logs === undefined ? new Map<Reading, PlacedSilentTerm[]>() : await silentIn(readings, logs)
  for (const reading of readings) {
    for (const remark of remarksOf(reading, silent.get(reading) ?? [])) {
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
  const checked = readings.map((reading) => {
    const { file, slug, json } = reading
    return { file, monitor: slug, tags: tagsOf(json), isRule: 'rule' in reading }
  })
  return { findings, checked, unreadable }
}

const tagsOf = ({ tags }: Readonly<Record<string, unknown>>): string[] =>
  Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : []

type MonitorRemark = Omit<Finding, 'file' | 'line' | 'column' | 'monitor'>

type Reading = MonitorReading | RuleReading

/** A term that no log answers to, and the query in which it stands. */
interface PlacedSilentTerm extends SilentTerm {
  readonly place: string
}

function remarksOf(reading: Reading, silent: readonly PlacedSilentTerm[]): MonitorRemark[] {
  const { faults, refusals, notes, type, within } = reading
  const of = (level: Level, rule: string) => (fault: MonitorFault) => ({
    ...{ level, rule: fault.rule ?? rule, place: fault.place, message: fault.reason },
  })
  const isRule = 'rule' in reading
  const remarks = [
    ...faults.map(of('error', 'schema')),
    ...notes.map(of('warning', 'no-effect')),
    ...refusals.map(of('note', isRule || type === 'log alert' ? 'not-evaluated' : 'not-a-log-alert')),
  ]
  if (!isRule && type !== 'log alert') return remarks
  const slips = searchesOf(reading).flatMap(({ node, place }) =>
    slipsIn(node).map(
      ({ term, text }) => ({ level: 'warning', rule: 'search-slip', place, message: text, term }) as const,
    ),
  )
  // A slip is told once, also where no log answers to it.
  const isTold = ({ place, term }: PlacedSilentTerm) => slips.some((each) => each.place === place && each.term === term)
  const terms = silent
    .filter((each) => !isTold(each))
    .map(({ text, place }) => ({ level: 'warning', rule: 'silent-term', place, message: text }) as const)
  const told = slips.map(({ term: _, ...remark }) => remark)
  const inside = [...(isRule ? ruleMessageRemarks(reading.json) : monitorRemarks(reading)), ...told, ...terms]
  return [...remarks, ...inside.map((remark) => ({ ...remark, place: within + remark.place }))]
}

const monitorRemarks = ({ json, parsed, monitor }: MonitorReading): MonitorRemark[] => [
  ...messageRemarks(json, parsed),
  ...refusedNow(isRecord(json.options) ? json.options : {}).map(
    ({ path, reason }) => ({ level: 'error', rule: 'schema', place: `options.${path}`, message: reason }) as const,
  ),
  ...(parsed ? costRemarks(json, monitor?.parsed ?? parsed) : []),
]

/** What the searches of a monitor or a rule ask for, and where they stand. */
function searchesOf(reading: Reading): (Watched & { readonly place: string })[] {
  if ('rule' in reading) {
    const queries = reading.rule?.queries ?? []
    return queries.map(({ parsed, distinct = [] }, i) => ({
      node: parsed.node,
      facets: [...facetsOf(parsed), ...distinct].map(({ field }) => field),
      place: `queries[${i}].query`,
    }))
  }
  const parsed = reading.monitor?.parsed ?? reading.parsed
  if (parsed?.form === 'formula') {
    // One that is not evaluated has no queries.
    const { variables, queries } = 'queries' in parsed ? parsed : { variables: [], queries: [] }
    return variables.flatMap(({ place }, i) => {
      const query = queries[i]
      if (!query) return []
      return [{ node: query.node, facets: facetsOf(query).map(({ field }) => field), place: `${place}.search.query` }]
    })
  }
  if (!parsed) return []
  return [{ node: parsed.node, facets: facetsOf(parsed).map(({ field }) => field), place: 'query' }]
}

const facetsOf = ({ by, rollup }: Pick<MonitorQuery, 'by' | 'rollup'>): readonly Facet[] =>
  'of' in rollup ? [...by, rollup.of] : by

async function silentIn(readings: readonly Reading[], logs: LogSource): Promise<Map<Reading, PlacedSilentTerm[]>> {
  const searches = readings.flatMap((reading) => searchesOf(reading).map((search) => ({ ...search, reading })))
  const silent = new SilentTerms(searches)
  let any = false
  await logs((log) => {
    any = true
    silent.observe(log)
  })
  const found = new Map<Reading, PlacedSilentTerm[]>()
  for (const term of any ? silent.list() : []) {
    const search = searches[term.search]
    if (search) found.set(search.reading, [...(found.get(search.reading) ?? []), { ...term, place: search.place }])
  }
  return found
}
