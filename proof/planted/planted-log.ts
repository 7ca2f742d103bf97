import { from, loginFailed, loginSucceeded, numbered, sessionOpened, sessionSeen } from '../../detections/events.ts'
import { after, alertLasting, type Detection } from '../../detections/harness.ts'
import type { Event } from '../../shared/event.ts'
import { groupOf, withValue } from '../claims/events.ts'

/** A change of state that the log must cause. It must cause no other. */
export interface Expected {
  readonly at: number
  readonly monitor: string
  readonly transition: 'Triggered' | 'Re-Triggered' | 'Recovered'
  readonly group: Readonly<Record<string, string>>
  readonly value: number
}

interface Line {
  readonly at: number
  readonly line: string
}

export interface PlantedLog {
  /** One JSON event each, in order of time. */
  readonly events: readonly Line[]
  /** In order of time, in arrival mode. */
  readonly expected: readonly Expected[]
}

const SECOND = 1000
const MINUTE = 60 * SECOND
/** The instant that `after` counts from. */
const BEGIN = Date.parse(after(0))
/** How long apart the subjects of one detection begin. */
const APART_MS = 7 * MINUTE
const BEAT_MS = 30 * SECOND
const KINDS = 6
/** Subjects are numbered, each detection from a multiple of this on, and people from behind all of them. */
const SUBJECTS = 100_000
const PEOPLE = 10_000_000

/**
 * Makes a log in which every detection is taken over its threshold by some subjects and almost by others, among ordinary use.
 * @param size about how many events; the same size and seed are always the same log
 */
export function plantedLog(detections: readonly Detection[], size: number, seed = 1): PlantedLog {
  const random = lehmer(seed)
  const events: Line[] = []
  const expected: Expected[] = []
  const add = (event: object, atMs: number) => events.push({ at: BEGIN + atMs, line: JSON.stringify(event) })
  const rising = detections.filter(({ monitor }) => monitor.parsed.operator.startsWith('>'))
  // Planted are about one in four events; the rest is ordinary use, spread over the same time.
  const rounds = Math.max(1, Math.round(size / 4 / plantedEach(rising)))
  const lastsMs = rounds * APART_MS * KINDS + 4 * 60 * MINUTE
  for (const [nth, detection] of rising.entries()) {
    const freeAt = new Map<string, number>()
    for (let i = 0; i < rounds * KINDS; i++) {
      const subject = (nth + 1) * SUBJECTS + i
      const group = groupOf(detection.monitor, detection.proof.counts(0, 0, subject))
      const key = JSON.stringify(group)
      // Subjects may share a group, as `@via` has two: the one before must have recovered.
      const at = Math.max(i * APART_MS + Math.floor(random() * MINUTE), freeAt.get(key) ?? 0)
      const over = at + 2 * detection.monitor.parsed.windowMs
      if (over > lastsMs) break
      freeAt.set(key, over + MINUTE)
      plant({ detection, group, subject, at, add }, i % KINDS, expected)
    }
  }
  for (const detection of detections) {
    if (!rising.includes(detection)) plantSilence(detection, lastsMs, add, expected)
  }
  for (const ordinary = size - events.length, from = events.length; events.length < from + ordinary; ) {
    const atMs = Math.floor(random() * lastsMs)
    add(ordinaryUse(random, atMs), atMs)
  }
  events.sort((a, b) => a.at - b.at)
  return { events, expected: expected.sort(inOrder) }
}

type Add = (event: object, atMs: number) => void

interface Plot {
  readonly detection: Detection
  readonly group: Readonly<Record<string, string>>
  readonly subject: number
  readonly at: number
  readonly add: Add
}

/** Two attacks and four near misses, in turn. */
function plant(plot: Plot, kind: number, expected: Expected[]): void {
  const { detection, subject, at, add } = plot
  const { monitor, proof } = detection
  const { threshold: most, windowMs } = monitor.parsed
  const count = (i: number, atMs: number) => add(proof.counts(i, atMs, subject), atMs)
  switch (kind) {
    case 0: // well within the window
      attack(plot, spread(most + 1, Math.floor(windowMs / 2)), expected)
      return
    case 1: // the last event comes in the last millisecond of the window
      attack(plot, spread(most + 1, windowMs - 1), expected)
      return
    case 2: // one too few
      for (const [i, later] of spread(most, windowMs - 1).entries()) count(i, at + later)
      return
    case 3: // the last event comes a millisecond too late
      for (let i = 0; i < most; i++) count(i, at)
      if (most > 0) count(most, at + windowMs)
      return
    case 4: // enough, but one of another environment
      for (const [i, later] of spread(most + 1, windowMs / 2).entries()) {
        if (i < most) count(i, at + later)
        else add(withValue(proof.counts(i, at + later, subject), ['env'], 'staging'), at + later)
      }
      return
    default: // more than enough of what does not count
      for (const [i, later] of spread(most + 5, windowMs / 2).entries()) {
        add(proof.almost(i, at + later, subject), at + later)
      }
  }
}

function attack({ detection, group, subject, at, add }: Plot, times: readonly number[], expected: Expected[]): void {
  const { monitor, proof } = detection
  const { windowMs } = monitor.parsed
  for (const [i, later] of times.entries()) add(proof.counts(i, at + later, subject), at + later)
  const [first = 0] = times
  const reminderMs = (monitor.options.renotify_interval ?? 0) * MINUTE
  for (const [transition, later] of alertLasting(times.at(-1) ?? 0, first + windowMs, reminderMs)) {
    const value = times.filter((time) => time > later - windowMs && time <= later).length
    expected.push({
      at: BEGIN + at + later,
      monitor: monitor.slug,
      transition: transition as Expected['transition'],
      group,
      value,
    })
  }
}

/** `count` instants from 0 to `lastMs`, which include both. */
const spread = (count: number, lastMs: number): number[] =>
  Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * lastMs) / (count - 1))))

/** A heartbeat that pauses twice: for exactly a window, which is not yet a silence, and for a millisecond more. */
function plantSilence({ monitor, proof }: Detection, lastsMs: number, add: Add, expected: Expected[]): void {
  const { slug, parsed } = monitor
  const { windowMs } = parsed
  const beat = (at: number) => add(proof.counts(0, at, 0), at)
  const almost = Math.floor(lastsMs / 3)
  const really = Math.floor(lastsMs / 2)
  let at = 0
  for (; at < almost; at += BEAT_MS) beat(at)
  at = at - BEAT_MS + windowMs
  for (; at < really; at += BEAT_MS) beat(at)
  const last = at - BEAT_MS
  const again = last + windowMs + 1
  for (let missed = at; missed < again; missed += BEAT_MS) add(proof.almost(0, missed, 0), missed)
  expected.push({ at: BEGIN + last + windowMs, monitor: slug, transition: 'Triggered', group: {}, value: 0 })
  expected.push({ at: BEGIN + again, monitor: slug, transition: 'Recovered', group: {}, value: 1 })
  for (at = again; at < lastsMs; at += BEAT_MS) beat(at)
}

/** People with one device each, who mistype now and then, from addresses and accounts that no plant has. */
function ordinaryUse(random: () => number, atMs: number): Event {
  const person = PEOPLE + Math.floor(random() * 40_000)
  const who = { ...from(numbered.ip(person)), device_hash: numbered.hash(person) }
  const signedIn = { ...who, usr: { id: numbered.uuid(person) }, sid: numbered.sid(person) }
  const luck = random()
  if (luck < 0.6) return sessionSeen(atMs, signedIn)
  if (luck < 0.8) return sessionOpened(atMs, { ...signedIn, outcome: 'renewed' })
  const login = { login_hash: numbered.hash(person) }
  return luck < 0.81 ? loginFailed(atMs, { ...who, ...login }) : loginSucceeded(atMs, { ...signedIn, ...login })
}

/** Events of all detections in one round of their six subjects each. */
const plantedEach = (detections: readonly Detection[]): number =>
  detections.reduce((sum, { monitor }) => sum + KINDS * monitor.parsed.threshold + 9, 0)

export const inOrder = (a: Expected, b: Expected): number =>
  a.at - b.at || compare(a.monitor, b.monitor) || compare(JSON.stringify(a.group), JSON.stringify(b.group))

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** In the order of an arrival up to `latenessMs` after their time. */
export function delayed(events: readonly Line[], latenessMs: number, seed = 2): Line[] {
  const random = lehmer(seed)
  return events
    .map((event) => ({ event, arrives: event.at + Math.floor(random() * (latenessMs + 1)) }))
    .sort((a, b) => a.arrives - b.arrives)
    .map(({ event }) => event)
}

/** A small seeded generator, so that every run is the same. @see Park and Miller, Random number generators: good ones are hard to find (1988) */
function lehmer(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
