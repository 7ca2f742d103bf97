import { setTimeout as delay } from 'node:timers/promises'
import { inTurn } from '../attacks/kit/in-turn.ts'
import type { Client, Person } from './client.ts'

/** The interval of the checks, an open loop: a check is sent even if earlier ones are not yet answered. */
export const CHECK_INTERVAL_MS = 20

export interface Holder {
  readonly person: Person
  readonly token: string
}

/**
 * Checks the session of each holder in turn, at fixed instants.
 * @returns the milliseconds from the due time of each check to its answer, so that a late client does not make the server
 * look fast
 */
export async function timeChecks(
  client: Pick<Client, 'check'>,
  holders: readonly Holder[],
  milliseconds: number,
): Promise<number[]> {
  const nextHolder = inTurn(holders)
  const started = performance.now()
  const checks: Promise<number>[] = []
  for (let due = 0; due < milliseconds; due += CHECK_INTERVAL_MS) {
    await delay(Math.max(0, started + due - performance.now()))
    const { person, token } = nextHolder()
    const check = client.check(person, token).then(() => performance.now() - started - due)
    check.catch(() => {}) // thrown by Promise.all below
    checks.push(check)
  }
  return Promise.all(checks)
}
