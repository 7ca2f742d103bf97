import { parseDocument } from '../monitor/json-document.ts'
import { type Monitor, MonitorError } from '../monitor/monitor.ts'
import { readMonitorJson } from '../monitor/monitor-reading.ts'
import type { SiemRule } from '../siem/rule.ts'
import { readRuleJson } from '../siem/rule-reading.ts'
import { monitorsIn, wordsOf } from './documents.ts'
import { rulesIn } from './rule-documents.ts'

/** JSON text, or the object that it holds. */
type Source = string | Readonly<Record<string, unknown>>

/**
 * Reads a log monitor: as the API takes it, as the UI exports it, or in the wrapper of an integration.
 * @param source the JSON text, or the object
 * @param file named in faults; without it the monitor's slug comes from its name
 * @throws MonitorError with every reason why it cannot be evaluated
 */
export function readMonitor(source: Source, file?: string): Monitor {
  const { json, ...of } = onlyOne('monitor', monitorsIn, source, file)
  const { monitor, ...reading } = readMonitorJson(json, of, false)
  if (!monitor) throw new MonitorError([...reading.faults, ...reading.refusals])
  return monitor
}

/**
 * Reads a threshold rule of Cloud SIEM: as the API takes it or exports it.
 * @param source the JSON text, or the object
 * @param file named in faults; without it the rule's slug comes from its name
 * @throws MonitorError with every reason why it cannot be evaluated
 */
export function readRule(source: Source, file?: string): SiemRule {
  const { json, ...of } = onlyOne('rule', rulesIn, source, file)
  const { rule, ...reading } = readRuleJson(json, of, false)
  if (!rule) throw new MonitorError([...reading.faults, ...reading.refusals])
  return rule
}

function onlyOne(kind: 'monitor' | 'rule', within: typeof monitorsIn | typeof rulesIn, source: Source, file?: string) {
  const { value, faults } = typeof source === 'string' ? parseDocument(source) : { value: source, faults: [] }
  const named = file ?? kind
  if (faults.length > 0) throw new MonitorError(faults.map((fault) => ({ file: named, ...fault })))
  const [found, ...more] = within(value, named)
  if (!found?.json || more.length > 0) {
    const reason = more.length > 0 ? `holds ${more.length + 1} ${kind}s: give one` : `holds no ${kind}`
    throw new MonitorError([{ file: named, place: '', reason }])
  }
  const { json } = found
  const slug = file === undefined ? wordsOf(String(json.name ?? '')) || kind : found.slug
  return { json, slug, file: named, within: found.within }
}
