import type { Transition } from '../evaluate/evaluate.ts'
import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { kindsOf } from '../monitor/variables.ts'

/** `$EVENT_TYPE` of a log monitor. */
export const EVENT_TYPE = 'log_alert'

/**
 * The parts that `notification_preset_name` removes from a notification's text. The recipients are not changed.
 * Decision `preset-parts`, documented by name only: `query` is the sentence on the comparison, `handles` are the handles in the
 * text, and `footer` has times and links. There is no snapshot.
 */
interface Hidden {
  readonly query?: true
  readonly handles?: true
  readonly footer?: true
}
const PRESETS: Readonly<Record<NonNullable<Monitor['options']['notification_preset_name']>, Hidden>> = {
  show_all: {},
  hide_query: { query: true },
  hide_handles: { handles: true },
  hide_all: { query: true, handles: true, footer: true },
  hide_query_and_handles: { query: true, handles: true },
  show_only_snapshot: { query: true, handles: true, footer: true },
  hide_handles_and_footer: { handles: true, footer: true },
}

const hiddenIn = ({ options }: Monitor): Hidden => PRESETS[options.notification_preset_name ?? 'show_all']

/** Whether the notification's text is shown without handles. */
export const hasHiddenHandles = (monitor: Monitor): boolean => hiddenIn(monitor).handles === true

const HANDLE = /(?:^|[ \t])@(?:[A-Za-z]+-[\w.-]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)(?=\s|$)/gm

/** Removes the handles of integrations (`@webhook-x`) and of people (`@ada@example.test`). */
export const withoutHandles = (text: string): string => text.replace(HANDLE, '').trim()

const COMPARISONS: Record<string, string> = {
  '>': 'More than',
  '>=': 'At least',
  '<': 'Less than',
  '<=': 'At most',
  '==': 'Exactly',
  '!=': 'Not',
}

/**
 * `$EVENT_MSG`. The text for a count follows captured payloads.
 * Decision `measure-sentence`, undocumented for other rollups and for formulas: the sentence names the measure, or the formula and
 * each of its queries, and the threshold.
 */
export function eventMessage({ monitor, transition, at }: Transition, message: string, link: string): string {
  const hidden = hiddenIn(monitor)
  const { by } = monitor.parsed
  const facets = by.length === 0 ? '' : ` by **${by.map((facet) => facet.name).join(',')}**`
  const matched = `${comparedText(monitor, '**')} ${monitoredText(monitor, (search) => `**[${search}](${link})**`)}${facets}`
  const cause = transition === 'Recovered' || hidden.query ? [] : [matched]
  const when = `The monitor was last triggered at ${new Date(at).toUTCString()}.`
  const footer = hidden.footer ? [] : [when, `[Monitor Status](${link})`]
  return ['%%%', message, ...cause, ...footer, '%%%'].join('\n\n')
}

/**
 * `$ALERT_STATUS`.
 * Decision `status-text`: the documentation has an example of a metric only. For a log monitor it is the sentence of `$EVENT_MSG`
 * without Markdown.
 */
export function statusText({ monitor, group }: Transition): string {
  const scope = Object.entries(group).map(([facet, value]) => `${facet}:${value}`)
  const over = scope.length === 0 ? '' : ` over ${scope.join(',')}`
  return `${comparedText(monitor, '')} ${monitoredText(monitor, (search) => search)}${over}`
}

/** @param mark marks a search */
function monitoredText({ parsed }: Monitor, mark: (search: string) => string): string {
  if (parsed.form === 'logs') return `the monitored query: ${mark(parsed.search)}`
  const searches = parsed.variables.map(({ name }, i) => `${name}: ${mark(parsed.queries[i]?.search || '*')}`)
  return `the monitored queries: ${searches.join(', ')}`
}

function comparedText({ parsed }: Monitor, mark: string): string {
  const { operator, threshold, windowMs } = parsed
  const bold = (text: string | number) => `${mark}${text}${mark}`
  const last = `the last ${bold(`${windowMs / 60_000}m`)}`
  if (parsed.form === 'formula') {
    return `formula ${bold(parsed.formula)} was ${bold(`${operator} ${threshold}`)} in ${last} over logs that match`
  }
  const { rollup } = parsed
  if (rollup.kind === 'count') {
    return `${COMPARISONS[operator]} ${bold(threshold)} log events matched in ${last} against`
  }
  return `${rollup.kind} of ${bold(rollup.of.name)} was ${bold(`${operator} ${threshold}`)} in ${last} over logs that match`
}

/** Removes links, emphasis, headings and Datadog's `%%%`. */
export const withoutMarkdown = (text: string): string =>
  text
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\*\*|__|^#+ /gm, '')
    .replaceAll('%%%', '')

const MAX_SAMPLE_ROWS = 10
const MAX_SAMPLE_CHARACTERS = 500

/**
 * `$LOGS_SAMPLE`: the logs with a message, or the values of the groups that breach, depending on the monitor. It is empty without
 * `enable_logs_sample` and on recovery: monitors/types/log, "Log samples and breaching values toplist".
 */
export function logsSample(transition: Transition): string {
  const { monitor } = transition
  if (!monitor.options.enable_logs_sample || transition.transition === 'Recovered') return ''
  return JSON.stringify(showsValues(monitor) ? valueRows(transition) : logRows(transition))
}

function showsValues({ parsed, options }: Monitor): boolean {
  if (parsed.by.length === 0) return false
  return (
    options.notify_by?.includes('*') === true ||
    kindsOf(parsed).some((kind) => kind !== 'count' && kind !== 'cardinality')
  )
}

function logRows({ sample }: Transition) {
  const rows = sample.filter(hasMessage).slice(0, MAX_SAMPLE_ROWS)
  return {
    columns: ['Time', 'Host'],
    label: 'Sample Logs',
    rows: rows.map((log) => ({
      items: [`${new Date(log.timestamp).toISOString().slice(11, 19)} UTC`, log.host ?? ''],
      message: log.message.slice(0, MAX_SAMPLE_CHARACTERS),
    })),
  }
}

/** Decision `value-rows`: it is documented that `$LOGS_SAMPLE` may contain values, but not how. Here it has one row for each group that breaches. */
function valueRows({ monitor, breaching }: Transition) {
  const names = monitor.parsed.by.map((facet) => facet.name)
  return {
    columns: [...names, 'value'],
    label: 'Top Values',
    rows: breaching.slice(0, MAX_SAMPLE_ROWS).map(({ group, value }) => ({
      items: [...names.map((name) => group[name] ?? ''), String(value)],
      message: '',
    })),
  }
}

const hasMessage = (log: IndexedLog): log is IndexedLog & { message: string } => Boolean(log.message)
