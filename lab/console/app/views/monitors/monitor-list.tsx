import { signal } from '@preact/signals'
import type { MonitorView } from '../../../api.ts'
import { numberOf } from '../../format.ts'
import { monitorKey } from '../../live.ts'
import { hrefOf } from '../../route.ts'
import { Meter } from './meter.tsx'
import { latestOf, nearnessOf, stateOf, TONE } from './state.ts'

const filter = signal('')

export function MonitorFilter() {
  return (
    <>
      <label class="sr-only" for="monitor-filter">
        Filter the monitors
      </label>
      <input
        id="monitor-filter"
        type="search"
        placeholder="Filter"
        value={filter}
        onInput={(event) => {
          filter.value = event.currentTarget.value
        }}
      />
    </>
  )
}

export function MonitorList({ monitors: all, shown }: { monitors: readonly MonitorView[]; shown: string }) {
  const words = filter.value.trim().toLowerCase()
  const monitors = all.filter(({ detection, name }) => `${detection} ${name}`.toLowerCase().includes(words))
  return (
    <section class="side card" aria-label="Monitors and rules">
      <p class="side-head">
        {monitors.length} {monitors.length === 1 ? 'detection' : 'detections'}
      </p>
      <ul class="side-list">
        {monitors.map((monitor) => {
          const key = monitorKey(monitor)
          return (
            <li key={key}>
              <Entry monitor={monitor} current={key === shown} />
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function Entry({ monitor, current }: { monitor: MonitorView; current: boolean }) {
  const { detection, by, groups, critical, comparator } = monitor
  const state = stateOf(monitor)
  const highest = groups[0] && latestOf(groups[0])
  return (
    <a href={hrefOf('monitors', { detection, by })} aria-current={current ? 'true' : undefined}>
      <span class="side-title">
        <span class={`state-dot ${groups.length === 0 ? '' : TONE[state]}`} aria-hidden="true" />
        <strong>{detection}</strong>
        <span class="side-state">{by === 'rule' ? 'rule' : ''}</span>
      </span>
      <span class="side-line muted">
        {groups.length === 0 ? 'no value in its window' : `${state}, ${numberOf(highest ?? null)}`}
        {groups.length > 0 && critical !== null && ` (alerts ${comparator} ${numberOf(critical)})`}
      </span>
      <Meter share={nearnessOf(monitor)} tone={TONE[state]} />
    </a>
  )
}
