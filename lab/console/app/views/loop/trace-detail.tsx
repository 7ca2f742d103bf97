import type { Effect, Trace } from '../../../api.ts'
import { offsetOf, timeOf } from '../../format.ts'
import { hrefOf } from '../../route.ts'
import { Badge } from '../../ui/badge.tsx'
import { termOf } from '../events/terms.ts'
import { effectOf, type Lane, lanesOf, originOf, progressOf } from './lanes.ts'
import { Timeline } from './timeline.tsx'

/** One alert cycle: who and what, the four times that matter, and its steps on one axis. */
export function TraceDetail({ trace }: { trace: Trace }) {
  const { tone, text } = progressOf(trace)
  const lanes = lanesOf(trace)
  const origin = originOf(trace)
  return (
    <article class="trace card" aria-labelledby="trace-title">
      <header class="trace-head">
        <div>
          <h2 id="trace-title">{trace.name}</h2>
          <p class="chips">
            <Badge tone={tone}>{text}</Badge>
            <Badge>{trace.by === 'rule' ? 'Cloud SIEM rule' : 'monitor'}</Badge>
            {Object.entries(trace.group).map(([facet, value]) => (
              <a key={facet} class="mono chip-link" href={hrefOf('events', { query: termOf(facet, value) })}>
                {facet}:{value}
              </a>
            ))}
          </p>
        </div>
        <a href={hrefOf('monitors', { detection: trace.detection, by: trace.by })}>Open the {trace.by}</a>
      </header>
      <Times lanes={lanes} origin={origin} effect={effectOf(trace)} />
      <Timeline trace={trace} lanes={lanes} origin={origin} />
      <p class="muted trace-foot">
        Offsets count from the event that crossed the line, at {timeOf(origin)} on the clock of the lab.
      </p>
    </article>
  )
}

/** Shown instead of a time if nothing was done. */
const INSTEAD = {
  done: undefined,
  notified: 'a person was notified',
  waiting: 'not decided',
  failed: 'failed',
  undone: 'undone',
  observed: 'only observed',
  none: 'not yet',
} as const satisfies Record<Effect, string | undefined>

function Times({ lanes, origin, effect }: { lanes: readonly Lane[]; origin: number; effect: Effect }) {
  const at = (name: Lane['name']) => lanes.find((lane) => lane.name === name)?.at
  const contained = effect === 'done' ? doneAt(lanes) : undefined
  const times = [
    ['Alert', at('transition')],
    ['Delivered', at('delivery')],
    ['Contained', contained],
    ['Refused', at('refused')],
  ] as const
  return (
    <dl class="times">
      {times.map(([label, instant]) => (
        <div key={label} class={instant === undefined ? 'none' : ''}>
          <dt>{label}</dt>
          <dd>
            {instant !== undefined
              ? offsetOf(instant - origin)
              : (label === 'Contained' && INSTEAD[effect]) || 'not yet'}
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** When the signed call, or else the containment, was done. */
function doneAt(lanes: readonly Lane[]): number | undefined {
  const ends = ['call', 'containment'].map((name) => {
    const step = lanes
      .find((lane) => lane.name === name)
      ?.steps.findLast(({ effect }) => effect === undefined || effect === 'done')
    return step && step.at + (step.ms ?? 0)
  })
  return ends.find((end) => end !== undefined)
}
