import type { Event } from '../../shared/event.ts'
import { comesBack, programme, scanners, sweeps, webhooks } from './background.ts'
import { createChance } from './chance.ts'
import { join, live } from './days.ts'
import { createEventLog } from './event-log.ts'
import { createHosts, type Hosts } from './hosts.ts'
import { fixed } from './networks.ts'
import { newProgram, type Person, populate, type Town } from './people.ts'
import { type Activity, DAY, HOUR, MINUTE, Schedule } from './schedule.ts'
import { settle } from './settle.ts'
import { Site } from './site.ts'

export interface CorpusOptions {
  /** Number of events. The size of the town follows from it, so that they span about a week. */
  readonly events: number
  readonly seed: number
  /** How many people share the address of the largest office. */
  readonly office?: number
}

/** People behind one address. A threshold by address must allow for an office of this size. */
export const DEFAULT_OFFICE = 220

/** A Monday. */
export const corpusBegins = Date.UTC(2026, 0, 5)
const EVENTS_OF_A_PERSON = 140
const PROGRAMMES_PER_PERSON = 1 / 150
const WITH_SECOND_FACTOR = 0.3
/** The age of the accounts when the log begins: no device of theirs is new any more. */
const SETTLED_MS = 90 * DAY
/** `CONTAIN_CAP`: the cap lets a detection contain no more subjects than this. */
const MOST_CONTAINED = 25
/** Less than the 65 minutes for which a token of a contained session is still verified. */
const CONTAINED_BEFORE_MS = 30 * MINUTE

/** Events of ordinary life, in order of time. The same seed and number always give the same events. */
export async function* ordinaryLife({
  events,
  seed,
  office = DEFAULT_OFFICE,
}: CorpusOptions): AsyncGenerator<Event, void, void> {
  const chance = createChance(seed)
  const schedule = new Schedule(corpusBegins - SETTLED_MS)
  let written: Event[] = []
  const now = () => schedule.now
  const emit = createEventLog({ chance, now, begins: corpusBegins, write: (event) => written.push(event) })
  const hosts = createHosts({ now, emit })
  const town = {
    chance,
    schedule,
    site: new Site(hosts, chance),
    size: Math.ceil(events / EVENTS_OF_A_PERSON),
    ...places,
  }
  await beginLife(town, hosts, office)
  let left = events
  while (left > 0 && (await schedule.step())) {
    for (const event of written) {
      if (left-- <= 0) return
      yield event
    }
    written = []
  }
}

const places = {
  cafes: Array.from({ length: 20 }, (_, n) => fixed(`192.0.2.${n + 1}`)),
  vpn: Array.from({ length: 4 }, (_, n) => fixed(`203.0.113.${n + 225}`)),
}

async function beginLife(town: Town, hosts: Hosts, office: number): Promise<void> {
  const { chance, schedule, size } = town
  const people = populate(town, office)
  const programs = Array.from({ length: Math.ceil(size * PROGRAMMES_PER_PERSON) }, (_, n) =>
    newProgram(town, size * 2 + n),
  )
  for (const person of people) {
    const { computer, phone } = person
    const devices = chance.of(0.5) ? [computer, phone] : [phone, computer]
    await settle(town, person, { devices, hasFactor: chance.of(WITH_SECOND_FACTOR) }, hosts)
  }
  for (const program of programs) {
    await settle(town, program, { devices: [program.computer], hasFactor: false }, hosts)
  }

  for (let i = 0; i < Math.min(MOST_CONTAINED, people.length / 330); i++) {
    schedule.start(corpusBegins - CONTAINED_BEFORE_MS, comesBack(town, chance.pick(people)))
  }
  for (const activity of [sweeps(town), scanners(town), webhooks(town)]) schedule.start(corpusBegins, activity)
  for (const program of programs) {
    schedule.start(corpusBegins + chance.between(0, 60) * MINUTE, programme(town, program))
  }
  for (const person of people) schedule.start(corpusBegins, lifeOf(town, person))
  signUps(town, size)
}

async function* lifeOf(town: Town, person: Person): Activity {
  for (let date = 0; ; date++) {
    const midnight = corpusBegins + date * DAY
    if (town.schedule.now > midnight) continue // still travelling
    yield Math.max(1, midnight - town.schedule.now)
    yield* live(town, person)
  }
}

/** Sign-ups: a few every hour, a wave on Tuesday, and a class of forty behind one address. */
function signUps(town: Town, size: number): void {
  const { chance, schedule } = town
  let n = size * 3
  for (let at = 7 * HOUR; at < 7 * DAY; at += (30 * HOUR) / Math.max(size / 40, 1)) {
    schedule.start(corpusBegins + at, join(town, n++, undefined))
  }
  for (let i = 0; i < size / 12; i++) {
    schedule.start(corpusBegins + DAY + chance.about(13, 2) * HOUR, join(town, n++, undefined))
  }
  const school = fixed('192.0.2.99')
  for (let i = 0; i < 40; i++) {
    schedule.start(corpusBegins + DAY + 10 * HOUR + chance.between(0, 25) * MINUTE, join(town, n++, school))
  }
}
