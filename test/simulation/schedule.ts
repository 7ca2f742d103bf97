import { begin, present } from './actors.ts'
import { chooseFaults } from './faults.ts'
import { findViolations } from './invariants.ts'
import { chanceOf, Scheduler } from './scheduler.ts'
import { type AlertStory, createStory, openAlertsOf } from './story.ts'
import { installVirtualTime } from './virtual-time.ts'
import { type Bug, World } from './world.ts'

/** Two sweeps after the last fault, and the time that the last of them takes. */
const HEALING_MS = 140_000
const START = Date.UTC(2026, 2, 1, 12)

export interface Outcome {
  seed: number
  violations: string[]
  steps: number
  /** Only where it was asked for. */
  trace: string[]
}

/** Runs one schedule: everything in it follows from the seed. */
export async function runSchedule(
  seed: number,
  options: { bug?: Bug | undefined; trace?: boolean } = {},
): Promise<Outcome> {
  installVirtualTime()
  const chance = chanceOf(seed)
  const scheduler = new Scheduler(START, chance)
  const faults = chooseFaults(START, chance)
  const trace: string[] = []
  const capLimit = chance.pick([1, 2, 25, 25])
  const { bug } = options
  let alerts: readonly AlertStory[] = []
  const openAlerts = chance.happens(0.5) ? () => openAlertsOf(alerts, scheduler.now) : undefined
  const tell = options.trace ? (line: string) => trace.push(line) : undefined
  const world = new World({ scheduler, faults, capLimit, openAlerts, bug, trace: tell })
  const story = await createStory(world, START)
  alerts = story.alerts
  begin(story, world)
  await scheduler.run(faults.end + HEALING_MS)
  for (const person of story.people) for (const session of person.sessions) void present(session, world)
  await scheduler.run(scheduler.now + 5_000)
  const violations = await findViolations(story, world)
  return { seed, violations, steps: scheduler.steps, trace }
}
