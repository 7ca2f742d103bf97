import { isRecord } from 'alertproof/query'
import type { Setting } from './profiles.ts'

/** A monitor as its file has it. */
type Json = Readonly<Record<string, unknown>>

const CONDITION = /\.last\("(\w+)"\)(\s*)([<>=!]+)(\s*)(-?[\d.]+)\s*$/

/**
 * A monitor with other numbers: in its query, in its thresholds and, where the window changes, in its message. Recovery and
 * warning thresholds belong to the old number, so a monitor that has some is refused.
 * @throws Error naming the monitor when it does not say what is to be changed
 */
export function withSetting(slug: string, json: Json, { threshold, window }: Setting): Json {
  const query = String(json.query)
  const [condition, last, before = '', operator, after = '', number] = CONDITION.exec(query) ?? []
  const options = recordOf(json.options)
  if (condition === undefined)
    throw new Error(`${slug}: its query has no window and number that a profile could change`)
  const further = Object.keys(recordOf(options.thresholds)).filter((name) => name !== 'critical')
  if (further.length > 0) throw new Error(`${slug}: a profile cannot change its ${further.join(' and ')}`)
  const critical = threshold ?? Number(number)
  const changed = `.last("${window?.last ?? last}")${before}${operator}${after}${critical}`
  return {
    ...json,
    query: query.slice(0, -condition.length) + changed,
    message: window ? reworded(slug, String(json.message), window) : json.message,
    options: { ...options, thresholds: { critical } },
  }
}

const recordOf = (value: unknown): Json => (isRecord(value) ? value : {})

function reworded(slug: string, message: string, { was, is }: NonNullable<Setting['window']>): string {
  if (!message.includes(was)) throw new Error(`${slug}: its message does not say "${was}"`)
  return message.replaceAll(was, is)
}

const RULE_CONDITION = /^([a-z]\w* *[<>]=? *)\d+$/

/**
 * A Cloud SIEM rule with another number in its only condition.
 * @throws Error naming the rule when it has no such condition, or when a profile changes its window
 */
export function withRuleSetting(slug: string, json: Json, { threshold, window }: Setting): Json {
  if (window) throw new Error(`${slug}: a profile changes no window of a rule`)
  if (threshold === undefined) return json
  const cases = Array.isArray(json.cases) ? json.cases.filter(isRecord) : []
  const changed = cases.map((each) => {
    const [, before] = RULE_CONDITION.exec(String(each.condition)) ?? []
    if (before === undefined) throw new Error(`${slug}: its condition has no number that a profile could change`)
    return { ...each, condition: `${before}${threshold}` }
  })
  return { ...json, cases: changed }
}
