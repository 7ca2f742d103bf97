import { useMemo } from 'preact/hooks'
import { live, monitorKey } from '../live.ts'
import { route } from '../route.ts'
import { EmptyState, ViewHead } from '../ui/view-head.tsx'
import { MonitorDetail } from './monitors/monitor-detail.tsx'
import { MonitorFilter, MonitorList } from './monitors/monitor-list.tsx'
import { inOrder } from './monitors/state.ts'

/** Each monitor and rule with its values on their way to the threshold. */
export function MonitorsView() {
  const all = inOrder(live.monitors.value)
  const { detection, by } = route.value.query
  const shown =
    all.find((monitor) => monitor.detection === detection && (by === undefined || monitor.by === by)) ?? all[0]
  // The same element is not drawn again: only a change of its own values redraws a chart.
  const detail = useMemo(() => shown && <MonitorDetail key={monitorKey(shown)} monitor={shown} />, [shown])
  return (
    <>
      <ViewHead title="Monitors" sub="Values on their way to the threshold, also those that never reach it.">
        <MonitorFilter />
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
          <MonitorList monitors={all} shown={monitorKey(shown)} />
          {detail}
        </div>
      )}
    </>
  )
}
