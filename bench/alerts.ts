import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import type { Client, Person } from './client.ts'

/** How often a victim's session is tried while its containment is under way. */
const POLL_MS = 4
/** Nobody waits longer for a containment than Datadog waits for its answer. */
const GIVE_UP_MS = 15_000

/**
 * Steals nothing, but raises the alert: each session is contained by the webhook as Datadog calls it, one after the
 * other, and is tried all the while.
 * @returns for each, the milliseconds from the sending of the alert to the first answer that refuses the session
 */
export async function timeAlerts(client: Client, people: readonly Person[]): Promise<number[]> {
  const times: number[] = []
  for (const person of people) {
    const token = await client.signIn(person)
    const sid = String(decodeJwt(token).sid)
    const began = performance.now()
    const alerted = client.alert(alertAbout(sid))
    alerted.catch(() => {}) // told below
    while (await client.isIn(person, token)) {
      if (performance.now() - began > GIVE_UP_MS) throw new Error('an alert ended no session')
      await delay(POLL_MS)
    }
    times.push(performance.now() - began)
    await alerted
  }
  return times
}

const alertAbout = (sid: string) => ({
  ...{ id: randomUUID(), alert_id: '1', cycle_key: randomUUID(), transition: 'Triggered', scope: `@sid:${sid}` },
  ...{ tags: 'detection:session-reuse,contain:session', date: String(Date.now()) },
})
