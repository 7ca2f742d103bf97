import { useEffect } from 'preact/hooks'
import { live as store } from '../live.ts'
import { EmptyState, ViewHead } from '../ui/view-head.tsx'
import { Buckets } from './events/buckets.tsx'
import { Counts } from './events/counts.tsx'
import { EventRows } from './events/rows.tsx'
import { SearchForm } from './events/search-form.tsx'
import { asked, canShowMore, fault, found, isHeld, live, showMore, watchEvents } from './events/state.ts'
import { counted, number } from './kit/format.ts'
import { Fault } from './kit/parts.tsx'

/** The events of both hosts: live, or searched. */
export function EventsView() {
  useEffect(watchEvents, [])
  return (
    <div class="view events">
      <ViewHead title="Events" sub="What both hosts log, and all that the detections can see.">
        <Rate />
      </ViewHead>
      <SearchForm />
      {fault.value !== undefined && <Fault>{fault.value}</Fault>}
      <Hints />
      <Result />
    </div>
  )
}

function Rate() {
  const tail = store.logs.value
  return (
    <div class="head-actions">
      {tail && (
        <p class="muted tabular">
          {number(Math.round(tail.per_second))} per second, {number(tail.total)} since the start
        </p>
      )}
      <button
        type="button"
        class="button quiet small"
        aria-pressed={live.value}
        onClick={() => (live.value = !live.value)}
      >
        {live.value ? 'Pause' : 'Follow'}
      </button>
    </div>
  )
}

const Hints = () =>
  found.value && found.value.hints.length > 0 ? (
    <ul class="note note-warning hints">
      {found.value.hints.map((hint) => (
        <li key={hint}>{hint.split('`').map((text, i) => (i % 2 === 0 ? text : <code key={text}>{text}</code>))}</li>
      ))}
    </ul>
  ) : null

function Result() {
  const answer = found.value
  if (!answer) return <p class="muted">Searching …</p>
  const isCounted = asked.value.by !== ''
  if (answer.matched === 0) return <Nothing />
  return (
    <>
      <p class="muted result-line">
        {counted(answer.matched, 'event')} match{answer.matched === 1 ? 'es' : ''}
        {isCounted
          ? `, ${counted(answer.counts.length, 'value')} of ${asked.value.by}`
          : shownOf(answer.rows.length, answer.matched)}
        {live.value && isHeld.value && !isCounted ? '. Paused while you read a row' : ''}.
      </p>
      <Buckets buckets={answer.buckets} />
      {isCounted ? <Counts counts={answer.counts} /> : <EventRows found={answer} />}
      {!isCounted && canShowMore() && (
        <button type="button" class="button quiet" onClick={showMore}>
          Show more
        </button>
      )}
    </>
  )
}

const shownOf = (rows: number, matched: number): string =>
  rows < matched ? `, the newest ${number(rows)} are shown` : ''

function Nothing() {
  const isAll = asked.value.query === '' || asked.value.query === '*'
  return isAll ? (
    <EmptyState title="No events in this time">
      <p>
        Open the web app and sign in, or <a href="#/attacks">run an attack</a>: each step is an event here.
      </p>
    </EmptyState>
  ) : (
    <EmptyState title="No event matches">
      <p>Take a longer time, or fewer terms. An attribute begins with @, as in @outcome:fail.</p>
    </EmptyState>
  )
}
