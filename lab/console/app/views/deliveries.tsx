import { useSignalEffect } from '@preact/signals'
import type { DeliveryView } from '../../api.ts'
import { durationOf } from '../format.ts'
import { live } from '../live.ts'
import { hrefOf, route } from '../route.ts'
import { Badge } from '../ui/badge.tsx'
import { Raw } from '../ui/raw.tsx'
import { EmptyState, ViewHead } from '../ui/view-head.tsx'
import { Again } from './deliveries/again.tsx'
import { DropNext } from './deliveries/drop-next.tsx'
import { answerOf, open, verdictOf } from './deliveries/state.ts'
import { counted } from './kit/format.ts'
import { Time } from './kit/parts.tsx'
import { type Column, Rows } from './kit/rows.tsx'

/** The webhooks that alerts sent, and what came of sending one again. */
export function DeliveriesView() {
  useSignalEffect(() => {
    const { name, query } = route.value
    if (name === 'deliveries' && query.id) open.value = query.id
  })
  const { detection } = route.value.query
  const rows = live.deliveries.value.filter((delivery) => !detection || delivery.detection === detection)
  return (
    <div class="view">
      <ViewHead
        title="Deliveries"
        sub="The webhooks that alerts sent to the containment endpoint, with each try and its answer."
      >
        <DropNext />
      </ViewHead>
      {detection && (
        <p class="muted">
          Only those of {detection}. <a href={hrefOf('deliveries')}>Show all</a>
        </p>
      )}
      {rows.length === 0 && live.loaded.value && (
        <EmptyState title="No delivery yet">
          <p>
            An alert sends one webhook for each change of its state. <a href={hrefOf('attacks')}>Run an attack.</a>
          </p>
        </EmptyState>
      )}
      {rows.length > 0 && (
        <div class="card rows-card">
          <Rows
            label="Deliveries, newest first"
            columns={COLUMNS}
            rows={rows}
            keyOf={({ id }) => String(id)}
            open={open.value}
            onOpen={(key) => {
              open.value = key
            }}
            detail={(delivery) => <Detail delivery={delivery} key={delivery.id} />}
          />
        </div>
      )}
    </div>
  )
}

const COLUMNS: readonly Column<DeliveryView>[] = [
  { title: 'Queued at', class: 'col-time', cell: ({ queued_at }) => <Time at={queued_at} /> },
  {
    title: 'Detection',
    class: 'col-name',
    cell: ({ detection, again }) => (
      <>
        {detection} {again && <Badge tone="info">sent by hand</Badge>}
      </>
    ),
  },
  { title: 'Transition', class: 'col-name', cell: ({ transition }) => transition },
  { title: 'Tries', class: 'col-number', cell: ({ tries }) => counted(tries.length, 'try', 'tries') },
  { title: 'Answer', class: 'col-outcome', cell: (delivery) => <Answer delivery={delivery} /> },
  { title: 'Meaning', class: 'col-about', cell: verdictOf },
]

function Answer({ delivery }: { delivery: DeliveryView }) {
  const last = answerOf(delivery)
  if (!last || delivery.state === 'pending') return <Badge tone="warning">{delivery.state}</Badge>
  if (last.status === null) return <Badge tone="danger">{delivery.state === 'dropped' ? 'dropped' : 'none'}</Badge>
  return <Badge tone={toneOf(last.status)}>{last.status}</Badge>
}

function toneOf(status: number): 'good' | 'warning' | 'danger' {
  if (status < 300) return 'good'
  return status < 500 ? 'warning' : 'danger'
}

function Detail({ delivery }: { delivery: DeliveryView }) {
  return (
    <div class="detail">
      <div class="detail-columns">
        <div>
          <Raw label="Payload" text={delivery.payload} />
        </div>
        <div>
          <h2 class="detail-title">Tries</h2>
          {delivery.tries.length === 0 && <p class="muted">None yet.</p>}
          <ol class="tries">
            {delivery.tries.map((each, index) => (
              <li key={`${each.at} ${index}`}>
                <p>
                  <Time at={each.at} />{' '}
                  {each.status === null ? (
                    'no answer, given up'
                  ) : (
                    <>answered {<Badge tone={toneOf(each.status)}>{each.status}</Badge>}</>
                  )}{' '}
                  after {durationOf(each.ms)}
                </p>
                {each.answer !== '' && <Raw label={`Answer to try ${index + 1}`} text={each.answer} />}
              </li>
            ))}
          </ol>
        </div>
      </div>
      <Again delivery={delivery} />
      <p class="detail-links">
        <a href={hrefOf('loop', { trace: delivery.trace })}>The whole loop of this alert</a>
        <a href={hrefOf('containments')}>Containments</a>
      </p>
    </div>
  )
}
