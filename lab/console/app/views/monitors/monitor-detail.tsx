import { useMemo } from 'preact/hooks'
import type { MonitorView } from '../../../api.ts'
import { now } from '../../clock.ts'
import { durationOf, groupText, numberOf } from '../../format.ts'
import { Badge } from '../../ui/badge.tsx'
import { Chart, type Line, MAX_SERIES } from '../../ui/chart.tsx'
import { FileLink } from '../../ui/file-link.tsx'
import { EventQuestion } from './explain.tsx'
import { GroupTable } from './group-table.tsx'
import { nextText, stateOf, TONE, thresholdText } from './state.ts'

/** One monitor or rule: what it counts, how near its groups are, and why. */
export function MonitorDetail({ monitor }: { monitor: MonitorView }) {
  const { name, by, query, groups, files } = monitor
  const state = stateOf(monitor)
  return (
    <article class="monitor card" aria-labelledby="monitor-title">
      <header class="trace-head">
        <div>
          <h2 id="monitor-title">{name}</h2>
          <p class="chips">
            <Badge tone={groups.length === 0 ? 'quiet' : TONE[state]}>
              {groups.length === 0 ? 'No values' : state}
            </Badge>
            <Badge>{by === 'rule' ? 'Cloud SIEM rule' : 'monitor'}</Badge>
          </p>
          <p class="monitor-files">
            {files.map((path) => (
              <FileLink key={path} path={path} />
            ))}
          </p>
        </div>
      </header>
      <pre class="query">{query}</pre>
      <Facts monitor={monitor} />
      {groups.length === 0 ? (
        <p class="monitor-none muted">
          No event in its window matches the query. A value appears here as soon as one does, however far it is from the
          threshold.
        </p>
      ) : (
        <>
          <Values monitor={monitor} />
          <GroupTable monitor={monitor} />
        </>
      )}
      <EventQuestion monitor={monitor} />
    </article>
  )
}

function Facts({ monitor }: { monitor: MonitorView }) {
  const facts = [
    ['Alerts', thresholdText(monitor)],
    ['Window', durationOf(monitor.window_seconds * 1000)],
    ['Evaluated', nextText(monitor, now.value)],
    ['Grouped by', monitor.facets.join(', ') || 'nothing'],
  ] as const
  return (
    <dl class="times monitor-facts">
      {facts.map(([label, text]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  )
}

function Values({ monitor }: { monitor: MonitorView }) {
  const drawn = useMemo(() => {
    const groups = monitor.groups.slice(0, MAX_SERIES)
    return { series: groups.map(({ group, points }) => ({ label: groupText(group), points })), lines: linesOf(monitor) }
  }, [monitor])
  return <Chart {...drawn} to={now.value} label={summaryOf(monitor)} />
}

function linesOf({ critical, warning, comparator }: MonitorView): Line[] {
  const lines: Line[] = []
  if (critical !== null)
    lines.push({ label: `alerts ${comparator} ${numberOf(critical)}`, value: critical, color: 'danger' })
  if (warning !== null)
    lines.push({ label: `warns ${comparator} ${numberOf(warning)}`, value: warning, color: 'warning' })
  return lines
}

function summaryOf({ groups, critical, comparator }: MonitorView): string {
  const [first] = groups
  const value = first?.points.at(-1)?.[1] ?? null
  const line = critical === null ? '' : `, which alerts ${comparator} ${numberOf(critical)}`
  return `Values over time${line}. The highest now is ${numberOf(value)}, of ${first ? groupText(first.group) : 'no group'}. All stand in the table below.`
}
