import { useEffect } from 'preact/hooks'
import type { ContainmentView } from '../../api.ts'
import { durationOf } from '../format.ts'
import { hrefOf } from '../route.ts'
import { Badge } from '../ui/badge.tsx'
import { Raw } from '../ui/raw.tsx'
import { EmptyState, ViewHead } from '../ui/view-head.tsx'
import { Decision } from './containments/decision.tsx'
import { containments, fault, filter, open, watchContainments } from './containments/state.ts'
import { deed, FILTERS, isObserved, isWaiting, meaning, toneOf } from './containments/words.ts'
import { quoted, termOf } from './events/terms.ts'
import { median } from './kit/format.ts'
import { Choice, Fault, Time } from './kit/parts.tsx'
import { type Column, Rows } from './kit/rows.tsx'

/** The ledger of containments, and the decisions that a person takes. */
export function ContainmentsView() {
  useEffect(watchContainments, [])
  const rows = containments.value
  return (
    <div class="view">
      <ViewHead title="Containments" sub="What each alert led to, from the ledger: one row for each." />
      {fault.value !== undefined && <Fault>{fault.value}</Fault>}
      {rows && rows.length === 0 && (
        <EmptyState title="Nothing was contained yet">
          <p>
            A detection that alerts asks for a containment, and it is listed here.{' '}
            <a href={hrefOf('attacks')}>Run an attack.</a>
          </p>
        </EmptyState>
      )}
      {rows && rows.length > 0 && <Ledger rows={rows} />}
    </div>
  )
}

function Ledger({ rows }: { rows: readonly ContainmentView[] }) {
  const chosen = FILTERS.find(({ value }) => value === filter.value)
  const shown = rows.filter(chosen?.takes ?? (() => true))
  return (
    <>
      <Summary rows={rows} />
      <Choice
        legend="Show"
        unseen
        name="containments"
        value={filter.value}
        options={FILTERS.map(({ value, text, takes }) => ({ value, text: `${text} (${rows.filter(takes).length})` }))}
        onChoose={(value) => {
          filter.value = value
        }}
      />
      {shown.length === 0 ? (
        <p class="muted">None.</p>
      ) : (
        <div class="card rows-card">
          <Rows
            label="Containments, newest first"
            columns={COLUMNS}
            rows={shown}
            keyOf={({ id }) => id}
            classOf={({ state }) => (state === 'undone' || state === 'closed' ? 'row-over' : '')}
            open={open.value}
            onOpen={(key) => {
              open.value = key
            }}
            detail={(row) => <Detail row={row} />}
          />
        </div>
      )}
    </>
  )
}

function Summary({ rows }: { rows: readonly ContainmentView[] }) {
  const typical = median(rows.flatMap((row) => (row.latency_ms === null || isObserved(row) ? [] : [row.latency_ms])))
  const facts = [
    { name: 'in effect', value: String(rows.filter((row) => row.state === 'done' && !isObserved(row)).length) },
    { name: 'from alert to effect, median', value: typical === undefined ? '–' : durationOf(typical) },
    { name: 'for a person to decide', value: String(rows.filter(isWaiting).length) },
    { name: 'only observed', value: String(rows.filter(isObserved).length) },
  ]
  return (
    <dl class="facts">
      {facts.map(({ name, value }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

const COLUMNS: readonly Column<ContainmentView>[] = [
  { title: 'Alert at', class: 'col-time', cell: ({ alert_at }) => <Time at={alert_at} /> },
  {
    title: 'Detection',
    class: 'col-name',
    cell: ({ detection, by }) => `${detection}${by === 'rule' ? ' (rule)' : ''}`,
  },
  {
    title: 'What was done',
    class: 'col-about',
    cell: (row) => (
      <>
        {deed(row)} <span class="mono">{row.subject}</span>
      </>
    ),
  },
  {
    title: 'Latency',
    class: 'col-number',
    cell: ({ latency_ms }) => (latency_ms === null ? '–' : durationOf(latency_ms)),
  },
  {
    title: 'State',
    class: 'col-outcome',
    cell: (row) => <Badge tone={toneOf(row)}>{row.mode === 'observe' ? 'observed' : row.state}</Badge>,
  },
]

function Detail({ row }: { row: ContainmentView }) {
  return (
    <div class="detail">
      <p>{meaning(row)}</p>
      <Decision row={row} key={row.id} />
      <p class="detail-links">
        <a href={hrefOf('events', { query: eventsOf(row), range: 'all' })}>Events of {row.subject}</a>
        <a href={hrefOf('deliveries', { detection: row.detection })}>Deliveries of {row.detection}</a>
      </p>
      <Raw label="The row" text={JSON.stringify(row)} />
    </div>
  )
}

/** A subject such as `@sid:x` or `x`, as a search. */
const eventsOf = ({ subject }: ContainmentView): string => {
  const [, facet, value] = /^(@[\w.]+):(.+)$/s.exec(subject) ?? []
  return facet === undefined || value === undefined ? quoted(subject) : termOf(facet, value)
}
