import { useState } from 'preact/hooks'
import type { GroupView, MonitorView } from '../../../api.ts'
import { groupText, numberOf } from '../../format.ts'
import { hrefOf } from '../../route.ts'
import { Badge } from '../../ui/badge.tsx'
import { MAX_SERIES } from '../../ui/chart.tsx'
import { searchOfGroup } from '../events/terms.ts'
import { explainGroup } from './explain.tsx'
import { Meter } from './meter.tsx'
import { latestOf, shareOf, TONE } from './state.ts'

const SHORT = 20

/** The groups of a monitor, the highest value first. */
export function GroupTable({ monitor }: { monitor: MonitorView }) {
  const [all, setAll] = useState(false)
  const listed = all ? monitor.groups : monitor.groups.slice(0, SHORT)
  return (
    <div class="groups">
      <table class="table">
        <caption class="sr-only">Groups of {monitor.detection}</caption>
        <thead>
          <tr>
            <th scope="col">Group</th>
            <th scope="col" class="number">
              Value
            </th>
            <th scope="col" class="groups-meter">
              To the line
            </th>
            <th scope="col">State</th>
            <th scope="col">
              <span class="sr-only">Explain</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {listed.map((group, index) => (
            <Row key={groupText(group.group)} monitor={monitor} group={group} index={index} />
          ))}
        </tbody>
      </table>
      {monitor.groups.length > SHORT && (
        <p class="groups-more">
          <button type="button" class="link" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? `Show the ${SHORT} highest` : `Show all ${monitor.groups.length}`}
          </button>
        </p>
      )}
      {(all || monitor.groups.length <= SHORT) && monitor.more_groups > 0 && (
        <p class="muted groups-more">
          {monitor.more_groups} more {monitor.more_groups === 1 ? 'group has' : 'groups have'} a lower value.
        </p>
      )}
    </div>
  )
}

function Row({ monitor, group, index }: { monitor: MonitorView; group: GroupView; index: number }) {
  const text = groupText(group.group)
  const isAlert = group.state === 'Alert'
  return (
    <tr>
      <td class="group-cell">
        <div>
          {index < MAX_SERIES && <span class={`swatch series-${index + 1}`} aria-hidden="true" />}
          <a class="mono" href={hrefOf('events', { query: searchOfGroup(group.group) })}>
            {text}
          </a>
        </div>
      </td>
      <td class="number">
        <strong>{numberOf(latestOf(group))}</strong>
      </td>
      <td class="groups-meter">
        <Meter share={shareOf(monitor, group)} tone={TONE[group.state]} />
      </td>
      <td>
        <Badge tone={TONE[group.state]}>{group.state}</Badge>
      </td>
      <td class="number">
        <button
          type="button"
          class="link"
          aria-label={`${isAlert ? 'Why?' : 'Why not?'} ${text}`}
          onClick={() => void explainGroup(monitor, group)}
        >
          {isAlert ? 'Why?' : 'Why not?'}
        </button>
      </td>
    </tr>
  )
}
