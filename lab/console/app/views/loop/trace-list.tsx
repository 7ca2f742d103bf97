import type { Trace } from '../../../api.ts'
import { clockOf, durationOf, groupText } from '../../format.ts'
import { hrefOf } from '../../route.ts'
import { originOf, progressOf } from './lanes.ts'

const MAX_SHOWN = 100

export function TraceList(props: { traces: readonly Trace[]; shown: string | undefined; follows: boolean }) {
  const { traces, shown, follows } = props
  return (
    <section class="side card" aria-label="Alert cycles">
      <p class="side-head">
        <span>
          {traces.length} {traces.length === 1 ? 'cycle' : 'cycles'}
        </span>
        {follows ? <span class="muted">Following the newest</span> : <a href={hrefOf('loop')}>Follow the newest</a>}
      </p>
      <ul class="side-list">
        {traces.slice(0, MAX_SHOWN).map((trace) => (
          <li key={trace.id}>
            <Entry trace={trace} current={trace.id === shown} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Entry({ trace, current }: { trace: Trace; current: boolean }) {
  const { text, tone, ms } = progressOf(trace)
  return (
    <a href={hrefOf('loop', { trace: trace.id })} aria-current={current ? 'true' : undefined}>
      <span class="side-title">
        <span class={`state-dot ${tone}`} aria-hidden="true" />
        <strong>{trace.detection}</strong>
        {trace.by === 'rule' && <span class="side-state">rule</span>}
        <time>{clockOf(originOf(trace))}</time>
      </span>
      <span class="side-line mono">{groupText(trace.group)}</span>
      <span class="side-line muted">
        {text}
        {ms !== undefined && ` after ${durationOf(ms)}`}
      </span>
    </a>
  )
}
