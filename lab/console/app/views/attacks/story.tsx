import { useEffect, useRef } from 'preact/hooks'
import type { AttackRun } from '../../../api.ts'
import { durationOf } from '../../format.ts'
import { hrefOf } from '../../route.ts'
import { Badge } from '../../ui/badge.tsx'
import { Time } from '../kit/parts.tsx'
import { actorTone, paragraphs } from './paragraphs.ts'
import { stop } from './state.ts'

/** One run: who did what and when, as it happens, and how it ended. */
export function Story({ run }: { run: AttackRun }) {
  const isOver = run.ended_at !== null
  const top = useRef<HTMLElement>(null)
  const end = useRef<HTMLLIElement>(null)
  // A new run is scrolled into view first, and then its newest line.
  useEffect(() => {
    if (!isOver) top.current?.scrollIntoView({ block: 'start' })
  }, [])
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'nearest' })
  }, [run.lines.length])
  return (
    <section class="card story" aria-labelledby="story-title" ref={top}>
      <header class="story-head">
        <div>
          <h2 id="story-title">
            {run.twin ? `The twin of ${run.slug}` : run.slug} <Verdict run={run} />
          </h2>
          <p class="muted">
            On {run.target === 'both' ? 'web and functions' : run.target}, seed <span class="mono">{run.seed}</span>,
            begun at <Time at={run.started_at} />
          </p>
        </div>
        {!isOver && (
          <button type="button" class="button quiet danger small" onClick={() => void stop(run)}>
            Stop
          </button>
        )}
      </header>
      <div role="log" aria-label="What happens">
        <ol class="story-lines">
          {paragraphs(run.lines).map((line) => (
            <li key={line.key} class={line.who === null ? 'story-plain' : ''}>
              {line.who !== null && (
                <>
                  <span class="story-ms mono">{line.ms === null ? '' : durationOf(line.ms)}</span>
                  <span class={`story-who tone-${actorTone(line.who)}`}>{line.who}</span>
                </>
              )}
              <span class="story-text">{line.text}</span>
            </li>
          ))}
          {!isOver && (
            <li class="story-more" ref={end}>
              …
            </li>
          )}
        </ol>
      </div>
      {run.error !== null && (
        <p class="fault" role="alert">
          {run.error}
        </p>
      )}
      {isOver && (
        <p class="detail-links">
          <a href={hrefOf('loop')}>See it step by step</a>
          {run.run_ids.length > 0 && <a href={hrefOf('events', eventsOf(run))}>Its events</a>}
          <a href={hrefOf('containments')}>Containments</a>
        </p>
      )}
    </section>
  )
}

function Verdict({ run: { ended_at, ok, error, twin } }: { run: AttackRun }) {
  if (ended_at === null) return <Badge tone="warning">runs</Badge>
  if (error !== null) return <Badge tone="danger">ended early</Badge>
  if (ok === null) return <Badge tone="quiet">stopped</Badge>
  if (!ok) return <Badge tone="danger">a check failed</Badge>
  return <Badge tone="good">{twin ? 'no alert, as it must be' : 'all checks hold'}</Badge>
}

/** A search for the events of the run, which has one id for each target. */
const eventsOf = ({ run_ids }: AttackRun) => ({ query: `@run_id:(${run_ids.join(' OR ')})`, range: 'all' })
