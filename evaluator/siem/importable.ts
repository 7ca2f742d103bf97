import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isRecord } from '../json.ts'
import { parseDocument } from '../monitor/json-document.ts'
import { MonitorError } from '../monitor/monitor.ts'
import type { SiemRule } from './rule.ts'
import { readRuleJson } from './rule-reading.ts'

/** The name of a rule's file; its folder is its slug. */
const RULE_FILE = 'siem.json'

/**
 * Reads one rule of ours: it must be evaluated here, and hold nothing that has no effect.
 * @param file its path: named in faults, and its folder is the slug
 * @throws MonitorError with every fault
 */
export function readImportableRule(text: string, file: string): SiemRule {
  const { value, faults } = parseDocument(text)
  const found = faults.map((fault) => ({ file, ...fault }))
  if (!isRecord(value)) {
    throw new MonitorError(found.length > 0 ? found : [{ file, place: '', reason: 'must be a JSON object' }])
  }
  const reading = readRuleJson(value, { slug: basename(dirname(file)), file }, true)
  found.push(...reading.faults, ...reading.refusals)
  if (!reading.rule || found.length > 0) throw new MonitorError(found)
  return reading.rule
}

/** Loads every `siem.json` below a folder, sorted by slug. @throws MonitorError with all faults of all files */
export async function loadRules(dir: string): Promise<SiemRule[]> {
  const paths = (await readdir(dir, { recursive: true })).filter((path) => basename(path) === RULE_FILE)
  const faults: MonitorError['faults'][number][] = []
  const rules: SiemRule[] = []
  for (const path of paths.sort()) {
    const file = join(dir, path)
    try {
      rules.push(readImportableRule(await readFile(file, 'utf8'), file))
    } catch (error) {
      if (!(error instanceof MonitorError)) throw error
      faults.push(...error.faults)
    }
  }
  if (faults.length > 0) throw new MonitorError(faults)
  return rules.sort((a, b) => (a.slug < b.slug ? -1 : 1))
}
