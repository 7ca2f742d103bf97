import { useState } from 'preact/hooks'
import type { StepName, Trace } from '../../../api.ts'
import { durationOf, offsetOf } from '../../format.ts'
import { Icon } from '../../ui/icon.tsx'
import { type Axis, createAxis } from './axis.ts'
import { instantsOf, type Lane, summaryOf } from './lanes.ts'
import { StepPanel } from './step-panel.tsx'

const percent = (share: number): string => `${(share * 100).toFixed(2)}%`

/** The rows of a trace under one axis; each opens its bytes. */
export function Timeline(props: { trace: Trace; lanes: readonly Lane[]; origin: number }) {
  const { trace, lanes, origin } = props
  const [open, setOpen] = useState<StepName>()
  const axis = createAxis(instantsOf(trace), origin)
  return (
    <div class="timeline">
      <Scale axis={axis} />
      <ol class="lanes">
        {lanes.map((lane) => (
          <li key={lane.name} class={`lane ${lane.name}`}>
            {lane.steps.length === 0 ? (
              <EmptyRow lane={lane} closed={trace.closed} />
            ) : (
              <button
                type="button"
                class="lane-row"
                aria-expanded={open === lane.name}
                onClick={() => setOpen(open === lane.name ? undefined : lane.name)}
              >
                <Row lane={lane} axis={axis} origin={origin} />
              </button>
            )}
            {open === lane.name && <StepPanel lane={lane} origin={origin} />}
          </li>
        ))}
      </ol>
    </div>
  )
}

function Scale({ axis }: { axis: Axis }) {
  return (
    <div class="scale" aria-hidden="true">
      <div class="scale-track">
        {axis.ticks.map(({ at, ms }) => (
          <span key={ms} class={at > 0.85 ? 'tick last-tick' : 'tick'} style={{ left: percent(at) }}>
            {ms === 0 ? '0' : offsetOf(ms)}
          </span>
        ))}
        {axis.breaks.map(({ at, ms }) => (
          <span key={at} class={at < 0.2 ? 'break first-break' : 'break'} style={{ left: percent(at) }}>
            {durationOf(ms)}
          </span>
        ))}
      </div>
    </div>
  )
}

/** A refusal is the last step. A containment that blocks a network makes no signed call. */
function EmptyRow({ lane, closed }: { lane: Lane; closed: boolean }) {
  return (
    <div class="lane-row none">
      <span class="lane-name">{lane.label}</span>
      <span class="lane-title">{closed ? 'none' : 'not yet'}</span>
      <span class="track" />
    </div>
  )
}

function Row({ lane, axis, origin }: { lane: Lane; axis: Axis; origin: number }) {
  return (
    <>
      <span class="lane-name">
        <Icon name="chevron" />
        {lane.label}
      </span>
      <span class="lane-title" title={summaryOf(lane)}>
        {summaryOf(lane)}
      </span>
      <span class="track" aria-hidden="true">
        {axis.breaks.map(({ at }) => (
          <span key={at} class="track-break" style={{ left: percent(at) }} />
        ))}
        {lane.steps.map((step, index) => {
          const from = axis.position(step.at)
          const width = axis.position(step.at + (step.ms ?? 0)) - from
          return <span key={index} class="mark" style={{ left: percent(from), width: percent(width) }} />
        })}
      </span>
      <span class="lane-at">{lane.at === undefined ? '' : offsetOf(lane.at - origin)}</span>
      <span class="lane-since muted">
        {lane.sinceMs !== undefined && (
          <>
            <span class="sr-only">after the step before: </span>
            {offsetOf(lane.sinceMs)}
          </>
        )}
      </span>
    </>
  )
}
