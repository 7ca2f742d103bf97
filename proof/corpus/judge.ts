import { type IndexedLog, logOfEvent, type SearchMonitor, type Transition } from 'alertproof'
import { Replayer } from 'alertproof/replay'
import type { Event } from '../../shared/event.ts'
import { Delivery } from './delivery.ts'
import { HighWater, type NearMiss } from './high-water.ts'

export interface Alarm {
  readonly detection: string
  readonly group: Readonly<Record<string, string>>
  /** ISO 8601 */
  readonly at: string
  readonly value: number
}

export interface Judgement {
  readonly events: number
  readonly from: string
  readonly to: string
  readonly detections: readonly {
    readonly monitor: SearchMonitor
    /** Evaluated at each event's own time, and each minute as Datadog does. */
    readonly alarms: { readonly arrival: readonly Alarm[]; readonly cadence: readonly Alarm[] }
    readonly nearest: NearMiss
  }[]
}

export interface Watching {
  /** Called with each event as it arrives. */
  arrived?(event: Event): void
  /** Seed of the delays. */
  readonly seed: number
}

/** An event and its log after intake, which is made once for all readers. */
interface Logged {
  readonly event: Event
  readonly log: IndexedLog
}

/** Evaluates detections over a life, in the order of arrival and in both ways of evaluation. */
export async function judge(
  monitors: readonly SearchMonitor[],
  life: AsyncIterable<Event>,
  { arrived, seed }: Watching,
): Promise<Judgement> {
  const alarms: Record<'arrival' | 'cadence', Alarm[]> = { arrival: [], cadence: [] }
  const replayers = [
    new Replayer(monitors, { live: true }, (transition) => note(alarms.arrival, transition)),
    new Replayer(monitors, {}, (transition) => note(alarms.cadence, transition)),
  ]
  const marks = new Map(monitors.map((monitor) => [monitor.slug, new HighWater(monitor)]))
  const delivery = new Delivery<Logged>(seed)
  let [events, from, to] = [0, '', '']
  const take = ({ event, log }: Logged) => {
    events++
    arrived?.(event)
    for (const replayer of replayers) replayer.push(log, log.timestamp)
  }
  for await (const event of life) {
    const log = logOfEvent(event)
    for (const mark of marks.values()) mark.take(log)
    from ||= event.timestamp
    to = event.timestamp
    for (const late of delivery.send({ event, log })) take(late)
  }
  for (const late of delivery.rest()) take(late)
  for (const replayer of replayers) replayer.finish()
  const of = (all: readonly Alarm[], { slug }: SearchMonitor) =>
    // The silence after the last event is only the end of the recording.
    all.filter(({ detection, at }) => detection === slug && at <= to)
  return {
    events,
    from,
    to,
    detections: monitors.map((monitor) => ({
      monitor,
      alarms: { arrival: of(alarms.arrival, monitor), cadence: of(alarms.cadence, monitor) },
      nearest: marks.get(monitor.slug)?.nearest ?? { value: 0, group: '' },
    })),
  }
}

function note(alarms: Alarm[], { transition, monitor, group, at, value }: Transition): void {
  if (transition === 'Triggered') alarms.push({ detection: monitor.slug, group, at: new Date(at).toISOString(), value })
}
