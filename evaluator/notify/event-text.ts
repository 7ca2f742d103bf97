import type { Transition } from '../evaluate/evaluate.ts'
import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'

/** `$EVENT_TYPE` of a log monitor. */
export const EVENT_TYPE = 'log_alert'

/**
 * What `notification_preset_name` leaves out of a notification's text; whom it goes to is not changed.
 * Decision `preset-parts`, undocumented but for the names: query is the sentence on what was compared, handles are those in the text,
 * footer is times and links; there is no snapshot to show.
 */
interface Hidden {
  readonly query?: true
  readonly handles?: true
  readonly footer?: true
}
const presets: Readonly<Record<NonNullable<Monitor['options']['notification_preset_name']>, Hidden>> = {
  show_all: {},
  hide_query: { query: true },
  hide_handles: { handles: true },
  hide_all: { query: true, handles: true, footer: true },
  hide_query_and_handles: { query: true, handles: true },
  show_only_snapshot: { query: true, handles: true, footer: true },
  hide_handles_and_footer: { handles: true, footer: true },
}

const hiddenIn = ({ options }: Monitor): Hidden => presets[options.notification_preset_name ?? 'show_all']

export const hasHiddenHandles = (monitor: Monitor): boolean => hiddenIn(monitor).handles === true

const HANDLE = /(?:^|[ \t])@(?:[A-Za-z]+-[\w.-]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)(?=\s|$)/gm

/** Handles of integrations (`@webhook-x`) and of people (`@ada@example.test`). */
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
 * `$EVENT_MSG`, as captured payloads of a count show it.
 * Decision `measure-sentence`, undocumented for other rollups: what was compared with what.
 */
export function eventMessage({ monitor, transition, at }: Transition, message: string, link: string): string {
  const hidden = hiddenIn(monitor)
  const { search, by } = monitor.parsed
  const facets = by.length === 0 ? '' : ` by **${by.map((facet) => facet.name).join(',')}**`
  const matched = `${comparedText(monitor, '**')} the monitored query: **[${search}](${link})**${facets}`
  const told = transition === 'Recovered' || hidden.query ? [] : [matched]
  const when = `The monitor was last triggered at ${new Date(at).toUTCString()}.`
  const footer = hidden.footer ? [] : [when, `[Monitor Status](${link})`]
  return ['%%%', message, ...told, ...footer, '%%%'].join('\n\n')
}

/**
 * `$ALERT_STATUS`.
 * Decision `status-text`: the page's only example is of a metric; of a log monitor it is the sentence of `$EVENT_MSG`, without Markdown.
 */
export function statusText({ monitor, group }: Transition): string {
  const scope = Object.entries(group).map(([facet, value]) => `${facet}:${value}`)
  const over = scope.length === 0 ? '' : ` over ${scope.join(',')}`
  return `${comparedText(monitor, '')} the monitored query: ${monitor.parsed.search}${over}`
}

function comparedText({ parsed }: Monitor, mark: string): string {
  const { rollup, operator, threshold, windowMs } = parsed
  const bold = (text: string | number) => `${mark}${text}${mark}`
  const last = `the last ${bold(`${windowMs / 60_000}m`)}`
  if (rollup.kind === 'count') {
    return `${COMPARISONS[operator]} ${bold(threshold)} log events matched in ${last} against`
  }
  return `${rollup.kind} of ${bold(rollup.of.name)} was ${bold(`${operator} ${threshold}`)} in ${last} over logs that match`
}

export const withoutMarkdown = (text: string): string =>
  text
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\*\*|__|^#+ /gm, '')
    .replaceAll('%%%', '')

const SAMPLE_ROWS = 10
const SAMPLE_MESSAGE = 500

/**
 * `$LOGS_SAMPLE`, only with `enable_logs_sample` and never on recovery: logs, without those that have no message, or the values of
 * the groups that breach, by what the monitor is: monitors/types/log, "Log samples and breaching values toplist".
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
    (parsed.rollup.kind !== 'count' && parsed.rollup.kind !== 'cardinality')
  )
}

function logRows({ sample }: Transition) {
  const rows = sample.filter(hasMessage).slice(0, SAMPLE_ROWS)
  return {
    columns: ['Time', 'Host'],
    label: 'Sample Logs',
    rows: rows.map((log) => ({
      items: [`${new Date(log.timestamp).toISOString().slice(11, 19)} UTC`, log.host ?? ''],
      message: log.message.slice(0, SAMPLE_MESSAGE),
    })),
  }
}

/** Decision `value-rows`: that `$LOGS_SAMPLE` may hold values is documented, not how: one row for each group that breaches. */
function valueRows({ monitor, breaching }: Transition) {
  const names = monitor.parsed.by.map((facet) => facet.name)
  return {
    columns: [...names, 'value'],
    label: 'Top Values',
    rows: breaching.slice(0, SAMPLE_ROWS).map(({ group, value }) => ({
      items: [...names.map((name) => group[name] ?? ''), String(value)],
      message: '',
    })),
  }
}

const hasMessage = (log: IndexedLog): log is IndexedLog & { message: string } => Boolean(log.message)
