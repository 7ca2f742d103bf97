import { REMINDING, type Rule, type State } from '../evaluate/state.ts'
import type { Operator } from '../monitor/monitor-query.ts'
import type { Step } from './columns.ts'
import { type EvaluatedMonitor, sharesNotifications } from './evaluated.ts'
import { either, keyOf, number, text } from './literals.ts'
import { sharedSteps } from './shared-sql.ts'
import { tickAfter } from './ticks.ts'
import { DROP, silenceIsZero, watchesOthers } from './values-sql.ts'

const OK = 0
const NO_DATA = 1
const WARN = 2
const ALERT = 3
const CODES: Record<State, number> = { OK, 'No Data': NO_DATA, Warn: WARN, Alert: ALERT }

/** Reminders come after the changes of an instant. */
const REMINDERS = 3

/** How long time runs on after the last log, when the silence is the service's. */
const LONGEST_SILENCE_MS = 7 * 24 * 3_600_000

export interface StateOptions {
  /** Whether the service is silent after the newest log. If not, only the recording ends there. */
  readonly silenceAfterEnd: boolean
}

/**
 * The steps from the rows of a monitor to its transitions. A state that depends on the state before is that of the last row that
 * decides it.
 * @see Track, nextState
 */
export function stateSteps(monitor: EvaluatedMonitor, { silenceAfterEnd }: StateOptions): Step[] {
  const writer = new StateSteps(monitor, silenceAfterEnd)
  writer.evaluated()
  writer.states()
  writer.changes()
  if (monitor.rule.renotify) writer.reminders(monitor.rule.renotify)
  writer.transitions()
  return writer.steps
}

const IN_ORDER = 'PARTITION BY k ORDER BY t, kind'

class StateSteps {
  readonly steps: Step[] = []
  readonly #monitor: EvaluatedMonitor
  readonly #rule: Rule
  readonly #silenceAfterEnd: boolean
  readonly #shows: boolean
  readonly #notifies: boolean

  constructor(monitor: EvaluatedMonitor, silenceAfterEnd: boolean) {
    this.#monitor = monitor
    this.#rule = monitor.rule
    this.#silenceAfterEnd = silenceAfterEnd
    this.#shows = monitor.rule.onMissingData.startsWith('show')
    this.#notifies = monitor.rule.onMissingData === 'show_and_notify_no_data'
  }

  #name(step: string): string {
    return `m${this.#monitor.index}_${step}`
  }

  #add(step: string, sql: string): void {
    this.steps.push({ name: this.#name(step), sql })
  }

  /** The last evaluation that may remind, or worsen a state because entries leave. */
  get #lastCounting(): string {
    const { delayMs, stepMs } = this.#monitor
    const last = this.#silenceAfterEnd
      ? `max(last) + ${LONGEST_SILENCE_MS}`
      : tickAfter(`max(last) + ${delayMs}`, stepMs)
    return `(SELECT ${last} FROM entries)`
  }

  /** Says which rows come after the end of the recording, and whether any group has a log. */
  evaluated(): void {
    const others = watchesOthers(this.#monitor)
    const join = others ? `\n  ASOF LEFT JOIN ${this.#name('flips')} AS f ON r.t >= f.t` : ''
    const end = this.#silenceAfterEnd ? `\n  WHERE r.t <= ${this.#lastCounting}` : ''
    const ended = this.#silenceAfterEnd ? 'false' : `r.t > ${this.#lastCounting} AND r.t > r.waited`
    this.#add(
      'evaluated',
      `SELECT r.k, r.t, r.value, r.has, r.kind, ${ended} AS ended${others ? ', coalesce(f.others, false) AS others' : ''}
  FROM ${this.#name('rows')} AS r${join}${end}`,
    )
  }

  /** The state after each row: OK unless a bit says something else. */
  states(): void {
    const { critical, warning, criticalRecovery, warningRecovery } = this.#rule
    let from = this.#name('evaluated')
    const bit = (step: string, name: string, decision: string) => {
      this.#add(
        step,
        `SELECT *, coalesce(last_value(${decision} IGNORE NULLS) OVER (${IN_ORDER}), 0) AS ${name}\n  FROM ${from}`,
      )
      from = this.#name(step)
    }
    bit('alerts', 'alert', this.#decision(this.#beyond(critical), this.#beyond(criticalRecovery)))
    const cases = [`WHEN alert = 1 THEN ${ALERT}`]
    let worse = 'alert'
    if (warning !== undefined || warningRecovery !== undefined) {
      const decision = this.#decision(this.#beyond(warning), this.#beyond(warningRecovery), 'WHEN alert = 1 THEN 1')
      bit('warnings', 'active', decision)
      cases.push(`WHEN active = 1 THEN ${WARN}`)
      worse = 'active'
    }
    if (this.#shows) {
      this.#add('worse', `SELECT *, lag(${worse}) OVER (${IN_ORDER}) AS was\n  FROM ${from}`)
      from = this.#name('worse')
      bit('missing', 'missing', 'CASE WHEN kind > 0 OR has THEN 0 WHEN NOT ended OR was = 1 THEN 1 END')
      cases.unshift(`WHEN missing = 1 THEN ${NO_DATA}`)
    }
    // A state that would have got worse after the end of the recording keeps its value as well.
    const judged = silenceIsZero(this.#monitor) ? '' : 'has AND '
    const stale = this.#silenceAfterEnd ? 'false' : `ended AND alert = 0 AND ${judged}${this.#beyond(critical)}`
    this.#add(
      'states',
      `SELECT k, t, kind, if(has, value, 0) AS value, ${stale} AS stale, CASE ${cases.join(' ')} ELSE ${OK} END AS state FROM ${from}`,
    )
  }

  /** Whether the value is beyond a limit; undefined without a limit. */
  #beyond(limit: number | undefined): string | undefined {
    return limit === undefined ? undefined : `value ${sign(this.#rule.operator)} ${number(limit)}`
  }

  /** One bit of the state: 1, 0, or NULL where it stays as it was. @param stays the condition under which 1 stays 1 */
  #decision(enters: string | undefined, stays: string | undefined, first = ''): string {
    const conditions = [enters, stays].filter((each) => each !== undefined)
    const cases = ['WHEN kind > 0 THEN 0', first]
    if (this.#shows || this.#rule.onMissingData === 'resolve') cases.push('WHEN NOT has THEN 0')
    else if (!silenceIsZero(this.#monitor)) cases.push('WHEN NOT has THEN NULL')
    else if (watchesOthers(this.#monitor)) cases.push('WHEN NOT has AND others THEN 0')
    if (!this.#silenceAfterEnd) cases.push(`WHEN ended THEN if(${either(conditions)}, NULL, 0)`)
    if (enters !== undefined) cases.push(`WHEN ${enters} THEN 1`)
    if (stays !== undefined) cases.push(`WHEN ${stays} THEN NULL`)
    return `CASE ${cases.filter((each) => each !== '').join(' ')} ELSE 0 END`
  }

  /** What a state does to an alert: it opens it (1), closes it (0), or neither (NULL). */
  get #notified(): string {
    return `CASE state WHEN ${OK} THEN 0 WHEN ${NO_DATA} THEN ${this.#notifies ? 1 : 'NULL'} ELSE 1 END`
  }

  /** Each change of a state, with the state before and whether an alert was open: one that was notified and has not recovered. */
  changes(): void {
    this.#add(
      'changes',
      `SELECT *, coalesce(last_value(${this.#notified} IGNORE NULLS) OVER (${IN_ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) = 1 AS open
  FROM (SELECT *, lag(state, 1, ${OK}) OVER (${IN_ORDER}) AS before FROM ${this.#name('states')})
  WHERE state <> before`,
    )
  }

  /** The reminders of each state until it is left, each with the value of its evaluation. */
  reminders({ intervalMs, states, occurrences, untilMs }: NonNullable<Rule['renotify']>): void {
    const { stepMs } = this.#monitor
    const every = Math.ceil(intervalMs / stepMs) * stepMs
    const reminded = states.filter((state) => state !== 'No Data' || this.#notifies).map((state) => CODES[state])
    const notified = this.#notifies ? 'true' : `state <> ${NO_DATA}`
    const last = [`coalesce(until - 1, ${this.#lastCounting})`, this.#lastCounting]
    if (Number.isFinite(occurrences)) last.push(`t + ${every * occurrences}`)
    if (Number.isFinite(untilMs)) last.push(`since + ${untilMs - intervalMs + every}`)
    this.#add(
      'spans_of_states',
      `SELECT k, t, state, lead(t) OVER (${IN_ORDER}) AS until,
    last_value(if(NOT open AND state <> ${OK} AND ${notified}, t, NULL) IGNORE NULLS) OVER (${IN_ORDER}) AS since
  FROM ${this.#name('changes')}`,
    )
    this.#add(
      'reminders',
      `SELECT r.k, r.t, ${REMINDERS} AS kind, s.value, r.state FROM (
    SELECT k, state, unnest(range(t + ${every}, least(${last.join(', ')}) + 1, ${every})) AS t
    FROM ${this.#name('spans_of_states')} WHERE state IN (${reminded.join(', ') || 'NULL'})) AS r
  ASOF JOIN ${this.#name('states')} AS s ON r.k = s.k AND r.t >= s.t`,
    )
  }

  /** The changes and reminders that are notified. */
  transitions(): void {
    const { query, slug, index } = this.#monitor
    const isShared = sharesNotifications(this.#monitor)
    const by = isShared ? query.by.filter(({ name }) => this.#rule.notifyBy?.includes(name)) : query.by
    if (isShared) this.steps.push(...sharedSteps(this.#monitor, keyOf(query.by.length), this.#notified))
    const group =
      by.length === 0
        ? `'{}'::JSON`
        : `json_object(${by.map(({ name }, i) => `${text(name)}, k[${i + 1}]`).join(', ')})`
    const silent = isShared
      ? ['dropped', `(state = ${OK} AND NOT open)`]
      : [`(state = ${OK} AND (NOT open OR kind = ${DROP}))`]
    if (this.#shows && !this.#notifies) silent.push(`state = ${NO_DATA}`)
    const select = (word: string, from: string) =>
      `SELECT ${index} AS m, ${keyOf(by.length)} AS key, t, kind, ${text(slug)} AS monitor, ${word} AS transition, ${group} AS "group", value
  FROM ${from}`
    const changed = `CASE state WHEN ${OK} THEN 'Recovered' WHEN ${NO_DATA} THEN 'No Data' WHEN ${WARN} THEN 'Warn' ELSE 'Triggered' END`
    const changes = `${select(changed, this.#name(isShared ? 'notices' : 'changes'))} WHERE NOT ${either(silent)}`
    const reminding = `CASE state WHEN ${NO_DATA} THEN '${REMINDING['No Data']}' WHEN ${WARN} THEN '${REMINDING.Warn}' ELSE '${REMINDING.Alert}' END`
    const all = this.#rule.renotify ? [changes, select(reminding, this.#name('reminders'))] : [changes]
    this.#add('transitions', all.join('\n  UNION ALL '))
  }
}

const sign = (operator: Operator): string => (operator === '==' ? '=' : operator === '!=' ? '<>' : operator)
