import { type Due, TimeQueue } from '../../proof/corpus/time-queue.ts'
import { seeded } from '../../shared/session/testing/clock.ts'

/** One process of a host, from its start to its end. What a dead one had under way never goes on. */
export class Process {
  readonly name: string
  isAlive = true
  /** How far its clock is ahead, in ms. */
  skewMs = 0
  readonly #whenDead: (() => void)[] = []

  constructor(name: string) {
    this.name = name
  }

  whenDead(tell: () => void): void {
    this.#whenDead.push(tell)
  }

  kill(): void {
    this.isAlive = false
    for (const tell of this.#whenDead.splice(0)) tell()
  }
}

interface Step extends Due {
  process: Process | undefined
  run: () => void
}

/** Chance of one schedule: everything that is chosen in it comes from its seed. */
export interface Chance {
  /** 0 ≤ n < 1 */
  next(): number
  /** 0 ≤ n < bound */
  below(bound: number): number
  between(least: number, most: number): number
  happens(probability: number): boolean
  pick<T>(items: readonly T[]): T
  uuid(): string
}

export function chanceOf(seed: number): Chance {
  const next = seeded(seed)
  const below = (bound: number) => Math.floor(next() * bound)
  const hex = () => below(65_536).toString(16).padStart(4, '0')
  return {
    next,
    below,
    uuid: () => `${hex()}${hex()}-${hex()}-4${hex().slice(1)}-a${hex().slice(1)}-${hex()}${hex()}${hex()}`,
    between: (least, most) => least + below(most - least + 1),
    happens: (probability) => next() < probability,
    pick(items) {
      const item = items[below(items.length)]
      if (item === undefined) throw new RangeError('nothing to pick from')
      return item
    },
  }
}

const realImmediate = setImmediate

/** The scheduler whose step is under way: timers that are set during the step are its own. */
let active: Scheduler | undefined
export const activeScheduler = (): Scheduler | undefined => active

/**
 * A clock that goes from one step to the next. After each step everything that only waits for it goes on until it waits
 * for a later one, so that nothing but the order of the steps decides what happens.
 */
export class Scheduler {
  now: number
  readonly chance: Chance
  steps = 0
  /** Whose step is under way; undefined for what lies outside of our processes. */
  current: Process | undefined
  readonly #queue = new TimeQueue<Step>()
  #order = 0

  constructor(start: number, chance: Chance) {
    this.now = start
    this.chance = chance
  }

  /** @param process only while it lives */
  after(ms: number, run: () => void, process?: Process): Step {
    const step = { at: this.now + Math.max(0, ms), order: this.#order++, process, run }
    this.#queue.push(step)
    return step
  }

  cancel(step: Step): void {
    step.run = () => undefined
  }

  /** Runs every step until then. */
  async run(until: number): Promise<void> {
    for (let step = this.#queue.first; step && step.at <= until; step = this.#queue.first) {
      this.#queue.shift()
      this.now = Math.max(this.now, step.at)
      if (step.process && !step.process.isAlive) continue
      this.steps++
      this.current = step.process
      active = this
      step.run()
      await new Promise((resolve) => realImmediate(resolve))
      active = undefined
    }
    this.now = until
  }
}
