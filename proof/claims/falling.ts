import type { Monitor } from 'alertproof'
import type { DetectionCase, Proof, Timeline } from '../../detections/harness.ts'
import { MINUTE_MS, nextMinute, windowText, withValue } from './events.ts'

/**
 * What is asked of a detection that fires when something stops. Every recording ends, so that each claim ends with the
 * alert about that.
 */
export function fallingClaims(monitor: Monitor, proof: Proof): DetectionCase[] {
  const { operator, threshold, windowMs, by } = monitor.parsed
  if (by.length > 0 || operator !== '<' || threshold !== 1) {
    throw new Error(`${monitor.slug}: of what falls, claims are written for silence alone: ungrouped, < 1`)
  }
  const window = windowText(windowMs)
  const beat = (atMs: number, change: Record<string, unknown> = {}): object =>
    Object.entries(change).reduce<object>(
      (event, [name, value]) => withValue(event, [name], value),
      proof.counts(0, atMs, 0),
    )
  const beats = (...at: number[]): object[] => at.map((atMs) => beat(atMs))
  const begin = MINUTE_MS - 1
  const gap = windowMs + 1
  const half = windowMs / 2
  /** When an alert on silence follows a beat, as an offset into the case. */
  const silence = (beatAt: number) => beatAt + windowMs
  const sinceFirst = (first: number, timeline: Timeline): Timeline => timeline.map(([word, at]) => [word, at - first])
  const ends = (first: number, last: number): Pick<DetectionCase, 'fires' | 'transitions' | 'cadence'> => ({
    fires: [{}],
    transitions: sinceFirst(first, [['Triggered', silence(last)]]),
    cadence: sinceFirst(first, [['Triggered', nextMinute(silence(last))]]),
  })
  const regular = Array.from({ length: 9 }, (_, i) => i * half)
  const drifting = regular.map((at) => at / 2)
  return [
    {
      name: `a beat every ${windowText(half)} is silent until the last is ${window} old`,
      events: beats(...regular),
      ...ends(0, 8 * half),
    },
    {
      name: `beats exactly ${window} apart are silent between`,
      events: beats(begin, begin + windowMs),
      ...ends(begin, begin + windowMs),
    },
    {
      name: `beats ${window} and a millisecond apart are an alert between, which recovers`,
      events: beats(begin, begin + gap),
      fires: [{}, {}],
      transitions: sinceFirst(begin, [
        ['Triggered', silence(begin)],
        ['Recovered', begin + gap],
        ['Triggered', silence(begin + gap)],
      ]),
      cadence: sinceFirst(begin, [
        ['Triggered', nextMinute(silence(begin))],
        ['Recovered', nextMinute(begin + gap)],
        ['Triggered', nextMinute(silence(begin + gap))],
      ]),
    },
    {
      name: `each silence is an alert with a cycle key of its own`,
      events: beats(0, 3 * windowMs, 6 * windowMs),
      fires: [{}, {}, {}],
      transitions: [
        ['Triggered', windowMs],
        ['Recovered', 3 * windowMs],
        ['Triggered', 4 * windowMs],
        ['Recovered', 6 * windowMs],
        ['Triggered', 7 * windowMs],
      ],
    },
    { name: 'a long silence alerts once', events: beats(0, 100 * windowMs), fires: [{}, {}] },
    {
      name: 'beats delivered twice are as good as once',
      events: beats(...regular, ...regular).sort(byTime),
      ...ends(0, 8 * half),
    },
    {
      name: 'beats that arrive out of order within the lateness change nothing',
      events: beats(...drifting).map((event, i, all) => all[i ^ 1] ?? event),
      ...ends(0, 4 * half),
    },
    {
      name: 'a beat sixty seconds and a millisecond late is dropped, and the drop is reported',
      events: [beat(0), beat(half + MINUTE_MS + 1, { env: 'staging' }), beat(half)],
      ...ends(0, 0),
      dropped: 1,
    },
    {
      name: 'a beat sixty seconds late still counts',
      events: [beat(0), beat(half + MINUTE_MS, { env: 'staging' }), beat(half)],
      ...ends(0, half),
      dropped: 0,
    },
    {
      name: 'events that are one step short of a beat do not hide a silence',
      events: [beat(0), ...regular.slice(1).map((at, i) => proof.almost(i, at, 0))],
      ...ends(0, 0),
    },
    ...(
      [
        ['env', 'staging', 'another environment'],
        ['service', 'another', 'another service'],
      ] as const
    ).map(([field, value, words]) => ({
      name: `beats of ${words} do not hide a silence`,
      events: [beat(0), ...regular.slice(1).map((at) => beat(at, { [field]: value }))],
      ...ends(0, 0),
    })),
  ]
}

const byTime = (a: object, b: object) => (timeOf(a) < timeOf(b) ? -1 : 1)
const timeOf = (event: object): string => ('timestamp' in event ? String(event.timestamp) : '')
