import { inParallel } from '../../attacks/kit/parallel.ts'
import { raiseAlarm, type Trigger } from './alarm.ts'
import type { Look, Person } from './cast.ts'
import { SPACING, type Stage, wait } from './stage.ts'
import { examples, HEAL_MS, type Tally, tally } from './verdict.ts'

const ASK_AGAIN_MS = 700
/** Longer than what is accepted, so that the table tells late healing from none. */
const PATIENCE_MS = HEAL_MS + 10_000
/** A bystander is asked again this long while a host cannot say. */
const BYSTANDER_MS = 15_000
const SIGNED_IN_AT_ONCE = 4
const BATCHES = 4

export interface Crowd {
  readonly victims: readonly Person[]
  readonly bystanders: readonly Person[]
}

/** Starts a fault. @returns what ends it */
export type Fault = (stage: Stage, crowd: Crowd) => Promise<() => Promise<void> | void> | (() => Promise<void> | void)

export interface DrillPlan {
  readonly count: number
  /** How often the sender tries each delivery. */
  readonly tries: 1 | 2 | 6
  readonly trigger?: Trigger
  readonly fault: Fault
  /** How long it lasts; the alerts are raised while it does. */
  readonly lastsMs: number
}

/** Opens the accounts and checks that all of them are signed in. */
export async function gather(stage: Stage, count: number): Promise<Crowd> {
  const people = await stage.cast.people(2 * count)
  const looks = [...(await untilKnown(stage, people)).values()]
  const strangers = looks.filter((look) => look !== 'in').length
  if (strangers > 0)
    throw new Error(`${strangers} of ${people.length} sessions were not accepted before the fault began`)
  return { victims: people.slice(0, count), bystanders: people.slice(count) }
}

/** The course of most scenarios: a fault begins, alerts are raised while it lasts, it ends, and every session is asked about. */
export async function drill(stage: Stage, plan: DrillPlan): Promise<Tally> {
  const crowd = await gather(stage, plan.count)
  stage.sender.retrySpacingMs = SPACING[plan.tries] ?? []
  const end = await plan.fault(stage, crowd)
  const began = Date.now()
  try {
    await raiseOver(stage, crowd.victims, plan.lastsMs * 0.7, plan.trigger)
    await wait(Math.max(0, began + plan.lastsMs - Date.now()), stage.signal)
  } finally {
    await end()
  }
  return measure(stage, crowd, Date.now(), { subjectOf: subjectOf(plan.trigger) })
}

/** How events name the subject of an alert of this detection. */
export const subjectOf =
  (trigger: Trigger = 'session-reuse') =>
  (person: Person): string =>
    trigger === 'otp-replay' ? person.userId : trigger === 'credential-stuffing' ? person.network : person.sid

/** Raises the alarms in a few batches over a time. */
async function raiseOver(stage: Stage, victims: readonly Person[], overMs: number, trigger?: Trigger): Promise<void> {
  const size = Math.ceil(victims.length / BATCHES)
  for (let from = 0; from < victims.length; from += size) {
    await raiseAlarm(stage, victims.slice(from, from + size), trigger)
    if (from + size < victims.length) await wait(overMs / (BATCHES - 1), stage.signal)
  }
}

export interface Expectation {
  /** Victims whose containment waits for an operator: they stay signed in. */
  readonly held?: ReadonlySet<Person>
  /** Names the subject of a victim in events: its sid by default. */
  readonly subjectOf?: (person: Person) => string
}

/**
 * Asks about every victim by real requests until all are out or the longest accepted time, and a little more, has passed;
 * then asks about everybody once more and counts.
 * @param endedAt epoch ms of the end of the fault
 */
export async function measure(
  stage: Stage,
  { victims, bystanders }: Crowd,
  endedAt: number,
  { held = new Set(), subjectOf: nameOf = ({ sid }) => sid }: Expectation = {},
): Promise<Tally> {
  const due = victims.filter((person) => !held.has(person))
  const outAt = await untilOut(stage, due, endedAt + PATIENCE_MS)
  const said = () =>
    victims.every((person) => held.has(person) || !outAt.has(person) || stage.record.about(nameOf(person)).length > 0)
  // If a process dies after it carried out a containment, the sweeper writes the event.
  while (!said() && Date.now() < endedAt + PATIENCE_MS) await wait(ASK_AGAIN_MS, stage.signal)
  await wait(ASK_AGAIN_MS, stage.signal)
  const looks = await untilKnown(stage, [...victims, ...bystanders])
  const outcomes = victims.map((person) => ({
    due: held.has(person) ? ('held' as const) : ('out' as const),
    outAt: outAt.get(person),
    finally: looks.get(person) ?? 'unknown',
    events: stage.record.about(nameOf(person)),
  }))
  for (const example of examples(outcomes)) stage.log(example)
  return tally(
    outcomes,
    bystanders.map((person) => ({ finally: looks.get(person) ?? 'unknown' })),
    endedAt,
  )
}

/** @returns when each person was first refused, without those who never were */
export async function untilOut(
  stage: Stage,
  people: readonly Person[],
  deadline: number,
): Promise<Map<Person, number>> {
  const outAt = new Map<Person, number>()
  for (;;) {
    const left = people.filter((person) => !outAt.has(person))
    if (left.length === 0) return outAt
    const looks = await stage.cast.askAll(left)
    for (const [index, look] of looks.entries()) {
      const person = left[index]
      if (look === 'out' && person) outAt.set(person, Date.now())
    }
    if (Date.now() >= deadline) return outAt
    if (outAt.size < people.length) await wait(ASK_AGAIN_MS, stage.signal)
  }
}

/**
 * Signs everybody in with their passwords. Tries again, for a while, where a host asks for it.
 * @returns how many did not get in
 */
export async function countKeptOut(
  { cast, signal }: Pick<Stage, 'cast' | 'signal'>,
  people: readonly Person[],
): Promise<number> {
  const deadline = Date.now() + BYSTANDER_MS
  const statuses = await inParallel(people, SIGNED_IN_AT_ONCE, async (person) => {
    for (;;) {
      const status = await cast.signIn(person)
      if ((status !== 503 && status !== 502) || Date.now() >= deadline) return status
      await wait(ASK_AGAIN_MS, signal)
    }
  })
  return statuses.filter((status) => status !== 200).length
}

/** Asks everybody; asks again, for a while, those about whom a host could not say. */
export async function untilKnown(stage: Stage, people: readonly Person[]): Promise<Map<Person, Look>> {
  const looks = new Map<Person, Look>()
  const deadline = Date.now() + BYSTANDER_MS
  for (;;) {
    const left = people.filter((person) => (looks.get(person) ?? 'unknown') === 'unknown')
    const answers = await stage.cast.askAll(left)
    for (const [index, person] of left.entries()) looks.set(person, answers[index] ?? 'unknown')
    if (!answers.includes('unknown') || Date.now() >= deadline) return looks
    await wait(ASK_AGAIN_MS, stage.signal)
  }
}
