import type { Step } from './columns.ts'
import type { EvaluatedMonitor } from './evaluated.ts'
import { list } from './literals.ts'
import { DROP } from './values-sql.ts'

/**
 * The steps for groups that share a notification: from the changes of each group to those of the worst state among the groups with the
 * same values of the facets of `notify_by`. The value is that of the first group in the worst state, or of the last one to recover.
 * A group that is dropped changes the shared state without a notification.
 * @param notified SQL that says of a state whether it opens an alert (1), closes it (0), or neither (NULL)
 * @see Notices
 */
export function sharedSteps({ index, query, rule }: EvaluatedMonitor, key: string, notified: string): Step[] {
  const name = (step: string) => `m${index}_${step}`
  const places = query.by.flatMap((facet, i) => (rule.notifyBy?.includes(facet.name) ? [`k[${i + 1}]`] : []))
  const place = (kind: string) => `t * 2 + (${kind} > 0)::INT`
  const counted = (column: string, code: number) =>
    `sum(sum((state = ${code})::INT - (before = ${code})::INT)) OVER (PARTITION BY shared ORDER BY p) AS ${column}`
  return [
    {
      name: name('moves'),
      sql: `SELECT k, ${list(places)}::VARCHAR[] AS shared, ${key} AS key, ${place('kind')} AS p, t, kind, state, before,
    lead(${place('kind')}) OVER (PARTITION BY k ORDER BY t, kind) AS until
  FROM ${name('changes')}`,
    },
    {
      name: name('counts'),
      sql: `SELECT shared, p, max(t) AS t, bool_or(kind = ${DROP}) AS dropped, arg_max(k, key) AS last,
    ${counted('alerts', 3)}, ${counted('warnings', 2)}, ${counted('missing', 1)}
  FROM ${name('moves')} GROUP BY shared, p`,
    },
    {
      name: name('worst'),
      sql: `SELECT *, lag(state, 1, 0) OVER (PARTITION BY shared ORDER BY p) AS before FROM (
    SELECT *, CASE WHEN alerts > 0 THEN 3 WHEN warnings > 0 THEN 2 WHEN missing > 0 THEN 1 ELSE 0 END AS state FROM ${name('counts')})
  QUALIFY state <> before`,
    },
    {
      name: name('opened'),
      sql: `SELECT *, coalesce(last_value(CASE WHEN dropped AND state > 0 THEN NULL ELSE ${notified} END IGNORE NULLS)
    OVER (PARTITION BY shared ORDER BY p ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) = 1 AS open
  FROM ${name('worst')}`,
    },
    {
      name: name('shown'),
      sql: `SELECT o.shared, o.p, coalesce(arg_min(m.k, m.key), any_value(o.last)) AS k
  FROM ${name('opened')} AS o LEFT JOIN ${name('moves')} AS m
    ON o.shared = m.shared AND o.state = m.state AND m.p <= o.p AND (m.until IS NULL OR m.until > o.p)
  GROUP BY o.shared, o.p`,
    },
    {
      name: name('notices'),
      sql: `SELECT o.shared AS k, o.t AS t, o.p % 2 AS kind, s.value AS value, o.state AS state, o.open AS open, o.dropped AS dropped
  FROM ${name('opened')} AS o JOIN ${name('shown')} AS n ON o.shared = n.shared AND o.p = n.p
  ASOF JOIN (SELECT k, ${place('kind')} AS p, value FROM ${name('states')} WHERE NOT coalesce(stale, false)) AS s ON n.k = s.k AND o.p >= s.p`,
    },
  ]
}
