import { basename, dirname, extname } from 'node:path'
import { isRecord } from '../json.ts'
import { parseDocument } from '../monitor/json-document.ts'
import { isRule } from '../siem/rule-reading.ts'
import { type FoundMonitor, wordsOf } from './documents.ts'
import { isTerraform, resourcesIn } from './terraform.ts'

/** One rule as it stands in a document. */
export type FoundRule = FoundMonitor

/**
 * Finds the rules of Cloud SIEM in a JSON document: one as the API takes it or exports it, a list of them, the answer of
 * `GET /api/v2/security_monitoring/rules` (`data`), `{rules: […]}`, or the output of `terraform show -json`.
 * @returns none when the document is something else
 */
export function rulesIn(document: unknown, file: string): FoundRule[] {
  if (Array.isArray(document)) return listed(document, '')
  if (!isRecord(document)) return []
  if (isTerraform(document)) return terraformRules(document)
  if (isRule(document)) return [{ slug: slugOfFile(file), within: '', json: document, faults: [] }]
  const { data, rules } = document
  if (isRecord(data) && isRecord(data.attributes) && isRule(data.attributes)) {
    return [{ slug: slugOfFile(file), within: 'data.attributes.', json: data.attributes, faults: [] }]
  }
  if (Array.isArray(rules)) return listed(rules, 'rules')
  return Array.isArray(data) ? listed(data, 'data') : []
}

function listed(list: readonly unknown[], name: string): FoundRule[] {
  return list.flatMap((json, i): FoundRule[] => {
    if (!isRecord(json) || !isRule(json)) return []
    const words = typeof json.name === 'string' ? wordsOf(json.name) : ''
    return [{ slug: words || `rule-${i + 1}`, within: `${name}[${i}].`, json, faults: [] }]
  })
}

/** `siem.json` may stand beside the `monitor.json` of the same detection, which has the name of the folder. */
const slugOfFile = (file: string): string =>
  basename(file) === 'siem.json' ? `${basename(dirname(file))}-siem` : basename(file, extname(file))

/**
 * Every `datadog_security_monitoring_rule` and `datadog_security_monitoring_rule_json`.
 * @see https://registry.terraform.io/providers/DataDog/datadog/latest/docs/resources/security_monitoring_rule
 */
function terraformRules(document: Record<string, unknown>): FoundRule[] {
  return resourcesIn(document).flatMap(({ address, type, values }): FoundRule[] => {
    const found = { slug: address, within: `${address}.` }
    if (type === 'datadog_security_monitoring_rule') return [{ ...found, json: apiForm(values), faults: [] }]
    return type === 'datadog_security_monitoring_rule_json' ? [{ ...found, ...jsonForm(values) }] : []
  })
}

/** `json` is the whole rule as one JSON text. */
function jsonForm({ json }: Record<string, unknown>): Pick<FoundRule, 'json' | 'faults'> {
  if (typeof json !== 'string') return { json: undefined, faults: [{ place: 'json', reason: 'must be a JSON text' }] }
  const { value, faults } = parseDocument(json)
  const placed = faults.map(({ place, reason }) => ({ place: `json:${place}`, reason }))
  return { json: isRecord(value) ? value : undefined, faults: placed }
}

/** Names of the provider that are not the API's in camel case. */
const RENAMED: Readonly<Record<string, string>> = {
  enabled: 'isEnabled',
  query: 'queries',
  case: 'cases',
  action: 'actions',
  filter: 'filters',
  third_party_case: 'thirdPartyCases',
  calculated_field: 'calculatedFields',
}

/** What steers Terraform, or belongs to deprecated agent rules. */
const NOT_SENT = ['id', 'validate', 'agent_rule', 'signal_query']

/** Blocks that occur once at most, which the provider keeps as lists. */
const SINGLE_BLOCKS = ['options', 'scheduling_options']

function apiForm(values: Record<string, unknown>): Record<string, unknown> {
  const json = camelCased(values, true)
  // Rules over signals have `signal_query` blocks instead of queries.
  if (Array.isArray(values.signal_query) && values.signal_query.length > 0) json.type ??= 'signal_correlation'
  return json
}

/** Empty texts, lists and blocks were never set. */
function camelCased(block: Record<string, unknown>, isRoot: boolean): Record<string, unknown> {
  const entries = Object.entries(block).flatMap(([name, value]): [string, unknown][] => {
    const isUnset = value === null || value === '' || (Array.isArray(value) && value.length === 0)
    if (isUnset || NOT_SENT.includes(name)) return []
    const isText = !isRoot && (name === 'query' || name === 'action')
    const key = isText && typeof value === 'string' ? name : (RENAMED[name] ?? camelCase(name))
    return [[key, converted(name, value)]]
  })
  return Object.fromEntries(entries)
}

function converted(name: string, value: unknown): unknown {
  if (isRecord(value)) return camelCased(value, false)
  if (!Array.isArray(value)) return value
  const list: unknown[] = value.map((each: unknown) => (isRecord(each) ? camelCased(each, false) : each))
  return SINGLE_BLOCKS.includes(name) || name.endsWith('_options') ? list[0] : list
}

const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
