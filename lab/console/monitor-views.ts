import { groupOfKey, type Monitor, nextAligned, type Observer } from 'alertproof'
import type { RuleObserver, SiemRule } from 'alertproof/siem'
import type { Group, GroupView, MonitorView } from './api.ts'
import { filesOf } from './files.ts'
import { GroupValues, type GroupWord } from './group-values.ts'
import type { Hub } from './hub.ts'
import type { Series } from './series.ts'

const SHOWN_GROUPS = 100
/** Of the groups after the first 20, fewer points are shown. */
const WHOLE_GROUPS = 20
const FEW_POINTS = 12

export interface MonitorViewsDeps {
  readonly hub: Hub
  readonly configuration: () => { readonly monitors: readonly Monitor[]; readonly rules: readonly SiemRule[] }
  /** Undefined: evaluated at each event. */
  readonly cadenceSeconds: number | undefined
  /** The groups of the open signals of a rule. */
  readonly openSignals: (slug: string) => readonly Group[]
  readonly now?: () => number
}

interface Observed {
  readonly detection: Monitor | SiemRule
  readonly values: GroupValues
}

/** Keeps the values that evaluations find, those below the thresholds too, and shows them by monitor and rule. */
export class MonitorViews {
  /** For the evaluation of monitors. */
  readonly observer: Observer = {
    pass: (monitor, { at, key, value, state }) => this.#of(monitor).see(key, at, value, state),
    ended: (monitor, key, at) => this.#of(monitor).see(key, at, Number.NaN, 'OK'),
  }
  /** For the evaluation of rules: what the first case compares is shown. */
  readonly ruleObserver: RuleObserver = {
    pass: (rule, { at, key, values }) => {
      const alias = comparedIn(rule)?.alias
      const shown = rule.queries.findIndex((query) => query.alias === alias)
      this.#of(rule).see(key, at, values[Math.max(0, shown)] ?? Number.NaN, 'OK')
    },
  }
  readonly #deps: MonitorViewsDeps
  readonly #observed = new Map<string, Observed>()
  readonly #changed = new Set<string>()
  #isEdited = false

  constructor(deps: MonitorViewsDeps) {
    this.#deps = deps
    deps.hub.provide('values', () => {
      const all = this.#isEdited
      const monitors = this.#list((detection) => all || this.#changed.has(nameOf(detection)))
      this.#changed.clear()
      this.#isEdited = false
      return monitors.length === 0 && !all ? [] : [{ monitors, ...(all && { all }) }]
    })
  }

  /** Shows the detections as they are now, before they are evaluated again, and forgets those that were deleted. */
  edited({ monitors, rules }: ReturnType<MonitorViewsDeps['configuration']>): void {
    const names = new Set([...monitors, ...rules].map(nameOf))
    for (const name of this.#observed.keys()) if (!names.has(name)) this.#observed.delete(name)
    this.#isEdited = true
    this.#deps.hub.mark('values')
  }

  /** Every monitor, and every rule that is enabled. */
  list(): MonitorView[] {
    return this.#list(() => true)
  }

  #list(isWanted: (detection: Monitor | SiemRule) => boolean): MonitorView[] {
    const { monitors, rules } = this.#deps.configuration()
    return [
      ...monitors.filter(isWanted).map((monitor) => this.#monitorView(monitor)),
      ...rules.filter((rule) => rule.isEnabled && isWanted(rule)).map((rule) => this.#ruleView(rule)),
    ]
  }

  /** A monitor that is not the one that was observed before starts anew. */
  #of(detection: Monitor | SiemRule): GroupValues {
    const name = nameOf(detection)
    const known = this.#observed.get(name)
    const values = this.#valuesOf(detection) ?? new GroupValues()
    if (known?.detection !== detection) this.#observed.set(name, { detection, values })
    if (this.#deps.hub.reads('values')) {
      this.#changed.add(name)
      this.#deps.hub.mark('values')
    }
    return values
  }

  #valuesOf(detection: Monitor | SiemRule): GroupValues | undefined {
    const known = this.#observed.get(nameOf(detection))
    return known && isRelabelled(known.detection, detection) ? known.values : undefined
  }

  #monitorView(monitor: Monitor): MonitorView {
    const { parsed, options, slug, name, query } = monitor
    const { cadenceSeconds, now = Date.now } = this.#deps
    const groupOf = (key: string) => groupOfKey(parsed.by, key)
    return {
      ...{ detection: slug, by: 'monitor', name, query, critical: parsed.threshold },
      warning: options.thresholds?.warning ?? null,
      comparator: parsed.operator,
      window_seconds: parsed.windowMs / 1000,
      next_evaluation_at: cadenceSeconds === undefined ? null : nextAligned(now(), cadenceSeconds),
      facets: parsed.by.map((facet) => facet.name),
      ...groupsView(this.#valuesOf(monitor), groupOf, (_, series) => series),
      files: filesOf('monitor', monitor),
    }
  }

  #ruleView(rule: SiemRule): MonitorView {
    const { now = Date.now, openSignals } = this.#deps
    const open = openSignals(rule.slug).map((group) => Object.entries(group))
    const isOpen = (group: Group) => open.some((entries) => entries.every(([name, value]) => group[name] === value))
    const compared = comparedIn(rule)
    const groupOf = (key: string) => groupOfKey(rule.queries[0]?.by ?? [], key)
    /** A rule is evaluated at events only, so its values end with its window. */
    const lasting = (group: Group, { lastAt, value }: Series<GroupWord>) => ({
      state: isOpen(group) ? ('Alert' as const) : ('OK' as const),
      hasValue: !Number.isNaN(value) && now() - lastAt < rule.evaluationWindowMs,
      value,
    })
    return {
      ...{ detection: rule.slug, by: 'rule', name: rule.name, query: queryOf(rule) },
      critical: compared?.threshold ?? null,
      warning: null,
      comparator: compared?.operator ?? '',
      window_seconds: rule.evaluationWindowMs / 1000,
      next_evaluation_at: null,
      facets: rule.groupNames,
      ...groupsView(this.#valuesOf(rule), groupOf, lasting),
      files: filesOf('rule', rule),
    }
  }
}

const nameOf = (detection: Monitor | SiemRule): string =>
  `${'parsed' in detection ? 'monitor' : 'rule'} ${detection.slug}`

/** Whether nothing has been edited but what a person reads. */
function isRelabelled(before: Monitor | SiemRule, after: Monitor | SiemRule): boolean {
  if (before === after) return true
  const evaluatedOf = (each: Monitor | SiemRule) => ('parsed' in each ? [each.query, each.options] : queryOf(each))
  return JSON.stringify(evaluatedOf(before)) === JSON.stringify(evaluatedOf(after))
}

/** The query of a monitor, or the queries and cases of a rule. */
export const queryOf = (detection: Monitor | SiemRule | undefined): string =>
  detection === undefined ? '' : 'parsed' in detection ? detection.query : queryTextOf(detection)

interface Present {
  readonly state: GroupWord
  readonly hasValue: boolean
  readonly value: number
}

/** Groups that are not OK come first, then those with the highest values. */
function groupsView(
  values: GroupValues | undefined,
  groupOf: (key: string) => Group,
  presentOf: (group: Group, series: Series<GroupWord>) => Present,
): Pick<MonitorView, 'groups' | 'more_groups'> {
  const present = [...(values?.kept ?? [])]
    .map(([key, series]) => {
      const group = groupOf(key)
      return { group, series, ...presentTextOf(presentOf(group, series)) }
    })
    .filter(({ state, hasValue }) => hasValue || state !== 'OK')
    .sort((a, b) => Number(b.state !== 'OK') - Number(a.state !== 'OK') || b.value - a.value)
  const groups = present.slice(0, SHOWN_GROUPS).map(({ group, state, series }, i): GroupView => {
    return { group, state, points: i < WHOLE_GROUPS ? series.points() : series.points().slice(-FEW_POINTS) }
  })
  return { groups, more_groups: present.length - groups.length + (values?.others ?? 0) }
}

const presentTextOf = ({ state, hasValue, value }: Present) => ({
  state,
  hasValue,
  value: hasValue ? value : Number.NEGATIVE_INFINITY,
})

const queryTextOf = ({ queries, cases, evaluationWindowMs }: SiemRule): string =>
  [
    ...queries.map(({ alias, search, rollup, by }) => {
      const counted = 'of' in rollup ? `${rollup.kind}(${rollup.of.name})` : rollup.kind
      return `${alias} = ${counted} of "${search}" by ${by.map(({ name }) => name).join(', ') || 'nothing'}`
    }),
    ...cases.map(({ name, status, text }) => `${status}${name && ` "${name}"`}: ${text}`),
    `in ${evaluationWindowMs / 1000} s`,
  ].join('\n')

type Compared = { readonly alias: string; readonly operator: string; readonly threshold: number }

/** What the first case compares first, if that is a query with a number. */
function comparedIn({ cases }: SiemRule): Compared | undefined {
  let expression = cases[0]?.condition.first
  while (expression && expression.kind !== 'compare') expression = expression.parts[0]
  if (!expression) return undefined
  const { left, operator, right } = expression
  if (left.kind !== 'query' || right.kind !== 'number') return undefined
  return { alias: left.alias, operator, threshold: right.number / left.factor }
}
