import { cadenceOf, type Evaluation } from '../evaluate/cadence.ts'
import type { Rule } from '../evaluate/state.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { Rollup } from '../monitor/monitor-query.ts'
import { queriesOf } from '../monitor/variables.ts'
import type { MonitorFacts } from './explanation.ts'

/** `count`, `cardinality of @usr.id`. */
export const rollupText = (rollup: Rollup): string =>
  'of' in rollup ? `${rollup.kind} of ${rollup.of.name}` : rollup.kind

/** What a monitor is, with its defaults. */
export function monitorFacts(monitor: Monitor, rule: Rule, evaluation: Evaluation): MonitorFacts {
  const { slug, name, draft, query, parsed } = monitor
  const cadenceMs = cadenceOf(monitor, evaluation)
  const names = parsed.form === 'formula' ? parsed.variables.map((variable) => variable.name) : [null]
  const queries = queriesOf(parsed).slice(0, names.length)
  return {
    ...{ slug, name, draft, query },
    queries: queries.map(({ search, rollup }, i) => ({
      ...{ name: names[i] ?? null, search, rollup: rollupText(rollup) },
    })),
    formula: parsed.form === 'formula' ? parsed.formula : null,
    by: parsed.by.map((facet) => facet.name),
    operator: rule.operator,
    critical: rule.critical,
    warning: rule.warning ?? null,
    critical_recovery: rule.criticalRecovery ?? null,
    window_seconds: rule.windowMs / 1000,
    cadence_seconds: cadenceMs === undefined ? null : cadenceMs / 1000,
    evaluation_delay_seconds: rule.evaluationDelayMs / 1000,
    new_group_delay_seconds: rule.newGroupDelayMs / 1000,
    on_missing_data: rule.onMissingData,
    renotify_minutes: rule.renotify ? rule.renotify.intervalMs / 60_000 : null,
    notify_by: rule.notifyBy ? (monitor.options.notify_by ?? null) : null,
  }
}
