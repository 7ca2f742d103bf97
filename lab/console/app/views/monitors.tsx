import { signal } from '@preact/signals'
import { live, monitorKey } from '../live.ts'
import { route } from '../route.ts'
import { EmptyState, ViewHead } from '../ui/view-head.tsx'
import { MonitorDetail } from './monitors/monitor-detail.tsx'
import { MonitorList } from './monitors/monitor-list.tsx'
import { inOrder } from './monitors/state.ts'

const filter = signal('')

/** Each monitor and rule with its values on their way to the threshold. */
export function MonitorsView() {
  const all = inOrder(live.monitors.value)
  const words = filter.value.trim().toLowerCase()
  const listed = all.filter(({ detection, name }) => `${detection} ${name}`.toLowerCase().includes(words))
  const { detection, by } = route.value.query
  const shown =
    all.find((monitor) => monitor.detection === detection && (by === undefined || monitor.by === by)) ?? listed[0]
  return (
    <>
      <ViewHead title="Monitors" sub="Values on their way to the threshold, also those that never reach it.">
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
      </ViewHead>
      {all.length === 0 && live.loaded.value && (
        <EmptyState title="This lab evaluates no monitors.">
          <p>
            Add a folder with a <code>monitor.json</code> to <code>detections/</code>, and start the lab again.
          </p>
        </EmptyState>
      )}
      {shown && (
        <div class="split">
          <MonitorList monitors={listed} shown={monitorKey(shown)} />
          <MonitorDetail key={monitorKey(shown)} monitor={shown} />
        </div>
      )}
    </>
  )
}
