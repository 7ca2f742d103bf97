import { after, type Detection } from '../../detections/harness.ts'
import type { Event } from '../../shared/event.ts'
import { groupOf } from '../claims/events.ts'
import { MINUTE } from './schedule.ts'

export interface Planted {
  readonly detection: string
  readonly group: Record<string, string>
}

/** In no network of the corpus. */
const SUBJECT = 9_000
const APART_MS = 20 * MINUTE

/**
 * Puts one attack of each kind into a life, twenty minutes apart: the events of each detection's proof, and for the
 * detection of silence a gap in the heartbeat.
 * @param begin epoch ms of the first attack
 * @returns the life, in order of time, and the alerts that it must yield
 */
export function plant(detections: readonly Detection[], life: AsyncIterable<Event>, begin: number) {
  const attacks: Event[] = []
  const planted: Planted[] = []
  let silence: { from: number; to: number } | undefined
  for (const [i, { monitor, proof }] of detections.entries()) {
    const at = begin + i * APART_MS
    const { operator, threshold, windowMs } = monitor.parsed
    const count = (n: number) => proof.counts(n, at - Date.parse(after(0)) + n * 1_000, SUBJECT)
    planted.push({ detection: monitor.slug, group: groupOf(monitor, count(0)) })
    if (operator === '<') silence = { from: at, to: at + windowMs + 2 * MINUTE }
    else for (let n = 0; n <= threshold; n++) attacks.push(count(n))
  }
  return { planted, life: merged(life, attacks, silence) }
}

async function* merged(
  life: AsyncIterable<Event>,
  attacks: readonly Event[],
  silence: { from: number; to: number } | undefined,
): AsyncGenerator<Event, void, void> {
  let next = 0
  for await (const event of life) {
    const at = Date.parse(event.timestamp)
    for (let attack = attacks[next]; attack && Date.parse(attack.timestamp) <= at; attack = attacks[++next])
      yield attack
    if (!silence || event.evt !== 'sweep' || at < silence.from || at >= silence.to) yield event
  }
}
