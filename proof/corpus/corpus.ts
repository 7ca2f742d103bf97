import type { Event } from '../../shared/event.ts'
import { contained, programme, scanners, sweeps, webhooks } from './background.ts'
import { type Chance, createChance } from './chance.ts'
import { join, live } from './days.ts'
import { fixed } from './networks.ts'
import { newProgram, type Person, populate, type Town } from './people.ts'
import { type Doing, day, hour, minute, Schedule } from './schedule.ts'
import { Service } from './service.ts'

export interface CorpusOptions {
  /** How many events; the town is as large as makes them last for about a week. */
  readonly events: number
  readonly seed: number
  /** How many people share the address of the largest office. */
  readonly office?: number
}

/** A few hundred people behind one address: what a threshold on addresses has to bear. */
export const DEFAULT_OFFICE = 220

/** A Monday. */
export const corpusBegins = Date.UTC(2026, 0, 5)
const EVENTS_OF_A_PERSON = 140
const PROGRAMMES_PER_PERSON = 1 / 150

/** Ordinary life, in order of time: the same seed and number are always the same events. */
export function* ordinaryLife({ events, seed, office = DEFAULT_OFFICE }: CorpusOptions): Generator<Event, void, void> {
  const chance = createChance(seed)
  const schedule = new Schedule(corpusBegins)
  let written: Event[] = []
  const service = new Service(
    chance,
    () => schedule.now,
    (event) => written.push(event),
  )
  const town = found(chance, schedule, service)
  settle(town, Math.ceil(events / EVENTS_OF_A_PERSON), office)
  let left = events
  while (left > 0 && schedule.step()) {
    for (const event of written) {
      if (left-- <= 0) return
      yield event
    }
    written = []
  }
}

function found(chance: Chance, schedule: Schedule, service: Service): Town {
  const cafes = Array.from({ length: 20 }, (_, n) => fixed(`192.0.2.${n + 1}`, { latitude: 38.7, longitude: -9.1 }))
  const vpn = Array.from({ length: 4 }, (_, n) => fixed(`203.0.113.${n + 225}`, undefined))
  return { chance, schedule, service, cafes, vpn }
}

function settle(town: Town, size: number, office: number): void {
  const { chance, schedule } = town
  const people = populate(town, size, office)
  contained(town, people)
  for (const doing of [sweeps(town), scanners(town), webhooks(town)]) schedule.start(corpusBegins, doing)
  for (let n = 0; n < size * PROGRAMMES_PER_PERSON; n++) {
    schedule.start(corpusBegins + chance.between(0, 60) * minute, programme(town, newProgram(town, size * 2 + n)))
  }
  for (const person of people) schedule.start(corpusBegins, lifeOf(town, person))
  signUps(town, size)
}

function* lifeOf(town: Town, person: Person): Doing {
  for (let date = 0; ; date++) {
    const midnight = corpusBegins + date * day
    if (town.schedule.now > midnight) continue // still travelling
    yield Math.max(1, midnight - town.schedule.now)
    yield* live(town, person)
  }
}

/** A few every hour; on Tuesday everybody talks of it, and a class of forty signs up behind one address. */
function signUps(town: Town, size: number): void {
  const { chance, schedule } = town
  let n = size * 3
  for (let at = 7 * hour; at < 7 * day; at += (30 * hour) / Math.max(size / 40, 1)) {
    schedule.start(corpusBegins + at, join(town, n++, undefined))
  }
  for (let i = 0; i < size / 12; i++) {
    schedule.start(corpusBegins + day + chance.about(13, 2) * hour, join(town, n++, undefined))
  }
  const school = fixed('192.0.2.99', { latitude: 38.7, longitude: -9.1 })
  for (let i = 0; i < 40; i++) {
    schedule.start(corpusBegins + day + 10 * hour + chance.between(0, 25) * minute, join(town, n++, school))
  }
}
