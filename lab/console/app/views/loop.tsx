import { useEffect } from 'preact/hooks'
import type { Trace } from '../../api.ts'
import { announce } from '../announce.tsx'
import { groupText } from '../format.ts'
import { live } from '../live.ts'
import { route } from '../route.ts'
import { ViewHead } from '../ui/view-head.tsx'
import { FirstScreen } from './loop/first-screen.tsx'
import { originOf, progressOf } from './loop/lanes.ts'
import { RunButtons, Running } from './loop/run.tsx'
import { TraceDetail } from './loop/trace-detail.tsx'
import { TraceList } from './loop/trace-list.tsx'

const SUB = 'From the events that were counted to the request that was refused, on one clock.'

/** Of a monitor and a rule that report the same, the monitor's trace, because more people know monitors. */
function newestOf([newest, ...others]: readonly Trace[]): Trace | undefined {
  if (newest?.by !== 'rule') return newest
  const twin = others.find(
    (other) =>
      other.by === 'monitor' &&
      other.detection === newest.detection &&
      groupText(other.group) === groupText(newest.group) &&
      Math.abs(originOf(other) - originOf(newest)) < SAME_MS,
  )
  return twin ?? newest
}

const SAME_MS = 5000

/** One trace for each alert cycle; without a choice, the newest one is followed. */
export function LoopView() {
  const traces = live.traces.value
  const asked = route.value.query.trace
  const shown = traces.find(({ id }) => id === asked) ?? newestOf(traces)
  const progress = shown && progressOf(shown).text
  useEffect(() => {
    if (shown && progress) announce(`${shown.name}: ${progress}`)
  }, [shown?.id, progress])
  if (traces.length === 0) {
    return (
      <>
        <ViewHead title="Loop" />
        {live.loaded.value && <FirstScreen />}
      </>
    )
  }
  return (
    <>
      <ViewHead title="Loop" sub={SUB}>
        <RunButtons />
      </ViewHead>
      <Running />
      <div class="split">
        <TraceList traces={traces} shown={shown?.id} follows={asked === undefined} />
        {shown && <TraceDetail key={shown.id} trace={shown} />}
      </div>
    </>
  )
}
