import type { Setting } from './profiles.ts'

/** A monitor as its file has it. */
type Json = Readonly<Record<string, unknown>>

const CONDITION = /\.last\("(\w+)"\)(\s*)([<>=!]+)(\s*)(-?[\d.]+)\s*$/

/**
 * A monitor with other numbers: in its query, in its thresholds and, where the window changes, in its message. Recovery and
 * warning thresholds belong to the old number: there are none, or the setting is refused.
 * @throws Error naming the monitor when it does not say what is to be changed
 */
export function withSetting(slug: string, json: Json, { threshold, window }: Setting): Json {
  const query = String(json.query)
  const [condition, last, before = '', operator, after = '', number] = CONDITION.exec(query) ?? []
  const { thresholds } = json.options as { thresholds: Record<string, number> }
  if (condition === undefined)
    throw new Error(`${slug}: its query has no window and number that a profile could change`)
  const further = Object.keys(thresholds).filter((name) => name !== 'critical')
  if (further.length > 0) throw new Error(`${slug}: a profile knows nothing of its ${further.join(' and ')}`)
  const critical = threshold ?? Number(number)
  const changed = `.last("${window?.last ?? last}")${before}${operator}${after}${critical}`
  return {
    ...json,
    query: query.slice(0, -condition.length) + changed,
    message: window ? reworded(slug, String(json.message), window) : json.message,
    options: { ...(json.options as Json), thresholds: { critical } },
  }
}

function reworded(slug: string, message: string, { was, is }: NonNullable<Setting['window']>): string {
  if (!message.includes(was)) throw new Error(`${slug}: its message does not say "${was}"`)
  return message.replaceAll(was, is)
}
