import { setTimeout as delay } from 'node:timers/promises'
import type { Client, Person } from './client.ts'

/** One check is due every so many milliseconds, whether or not earlier ones were answered: an open loop. */
export const EVERY_MS = 20

export interface Holder {
  readonly person: Person
  readonly token: string
}

/**
 * Asks who am I, for each holder in turn, at fixed instants.
 * @returns the milliseconds from the instant each check was due to its answer: a client that was late itself does not
 * make the server look fast
 */
export async function timeChecks(
  client: Pick<Client, 'check'>,
  holders: readonly Holder[],
  milliseconds: number,
): Promise<number[]> {
  const started = performance.now()
  const checks: Promise<number>[] = []
  for (let due = 0; due < milliseconds; due += EVERY_MS) {
    await delay(Math.max(0, started + due - performance.now()))
    const { person, token } = holders[checks.length % holders.length] as Holder
    const check = client.check(person, token).then(() => performance.now() - started - due)
    check.catch(() => {}) // told below, with all the others
    checks.push(check)
  }
  return Promise.all(checks)
}
