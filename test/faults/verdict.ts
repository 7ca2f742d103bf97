import type { Look } from './cast.ts'
import type { ContainEvent } from './record.ts'

/** The longest time, from the end of a fault to the last victim out, that is accepted. */
export const HEAL_MS = 90_000

/** What is known of one victim at the end. */
export interface VictimOutcome {
  /** Whether the containment had to end it; `held`: it had to wait for an operator, and stay alive. */
  readonly due: 'out' | 'held'
  /** Epoch ms of the first answer that refused it. */
  readonly outAt: number | undefined
  /** At the end, asked once more. */
  readonly finally: Look
  /** Every `contain` event about it. */
  readonly events: readonly ContainEvent[]
}

export interface BystanderOutcome {
  readonly finally: Look
}

/** One row of the table. Each number but `victims` and `healMs` must be 0. */
export interface Tally {
  readonly victims: number
  /** The session lives on. */
  readonly lost: number
  /** A second effect, or a second event that says it was done. */
  readonly doubled: number
  /** Carried out, or held, and no event says so. */
  readonly unreported: number
  /** Somebody whom no containment was about, or who should be left alone, was signed out. */
  readonly wronglyDead: number
  /** Was out, and is in again. */
  readonly wronglyAlive: number
  /** From the end of the fault to the last victim out; null when not every one got out. */
  readonly healMs: number | null
}

/** @param endedAt epoch ms of the end of the fault */
export function tally(
  victims: readonly VictimOutcome[],
  bystanders: readonly BystanderOutcome[],
  endedAt: number,
): Tally {
  const due = victims.filter((victim) => victim.due === 'out')
  const held = victims.filter((victim) => victim.due === 'held')
  const never = due.filter(({ outAt }) => outAt === undefined)
  const last = Math.max(endedAt, ...due.map(({ outAt }) => outAt ?? endedAt))
  return {
    victims: victims.length,
    lost: never.length,
    doubled: victims.filter(({ events }) => sayings(events) > 1).length,
    unreported: victims.filter(({ due, events }) => !events.some(due === 'out' ? saysDone : saysHeld)).length,
    wronglyDead:
      bystanders.filter(({ finally: look }) => look !== 'in').length +
      held.filter(({ finally: look }) => look !== 'in').length,
    wronglyAlive: due.filter(({ outAt, finally: look }) => outAt !== undefined && look !== 'out').length,
    healMs: never.length === 0 ? last - endedAt : null,
  }
}

/** Up to three victims of whom something does not hold, in words, for whoever looks for the cause. */
export function examples(victims: readonly VictimOutcome[]): string[] {
  const odd = victims.filter((victim) => faultsOf(tally([victim], [], 0)).some((fault) => !fault.startsWith('healed')))
  return odd.slice(0, 3).map(({ due, outAt, finally: look, events }) => {
    const said = events.map(({ outcome, reason, containment_id: id = '', request_id: request = '' }) =>
      [outcome, reason, id.slice(0, 6), request.slice(0, 6)].filter(Boolean).join(' '),
    )
    const times = outAt === undefined ? 'never out' : `out at ${new Date(outAt).toISOString()}`
    return `a victim to be ${due}: ${times}, ${look} at the end; events: ${said.join(', ') || 'none'}`
  })
}

/** How many times it was said to be done. An event that was written twice has one `request_id` both times. */
function sayings(events: readonly ContainEvent[]): number {
  const done = events.filter(saysDone)
  return new Set(done.map(({ request_id: id }, index) => id ?? index)).size
}

const saysDone = ({ outcome }: ContainEvent): boolean => outcome === 'success' || outcome === 'noop'
const saysHeld = ({ outcome }: ContainEvent): boolean => outcome === 'refused'

/** @returns what does not hold, in words; empty when everything does */
export function faultsOf({ lost, doubled, unreported, wronglyDead, wronglyAlive, healMs }: Tally): string[] {
  const faults = [
    [lost, 'lost'],
    [doubled, 'doubled'],
    [unreported, 'unreported'],
    [wronglyDead, 'wrongly dead'],
    [wronglyAlive, 'wrongly alive'],
  ] as const
  const counted = faults.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`)
  const late = healMs !== null && healMs > HEAL_MS ? [`healed only after ${Math.round(healMs / 1000)} s`] : []
  return [...counted, ...late]
}
