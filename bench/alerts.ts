import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import type { Client, Person } from './client.ts'

/** The interval at which a victim's session is tried during its containment. */
const POLL_MS = 4
/** Datadog's time-out for the answer to a webhook. */
const GIVE_UP_MS = 15_000

/**
 * Sends an alert about each session, one after the other, as Datadog's webhook does, and tries the session until it is
 * refused.
 * @returns for each session the milliseconds from sending the alert to the first refusal
 */
export async function timeAlerts(client: Client, people: readonly Person[]): Promise<number[]> {
  const times: number[] = []
  for (const person of people) {
    const token = await client.signIn(person)
    const sid = String(decodeJwt(token).sid)
    const began = performance.now()
    const alerted = client.alert(alertAbout(sid))
    alerted.catch(() => {}) // thrown by the await below
    while (await client.isIn(person, token)) {
      if (performance.now() - began > GIVE_UP_MS) throw new Error('an alert did not end its session')
      await delay(POLL_MS)
    }
    times.push(performance.now() - began)
    await alerted
  }
  return times
}

const alertAbout = (sid: string) => ({
  id: randomUUID(),
  alert_id: '1',
  cycle_key: randomUUID(),
  transition: 'Triggered',
  scope: `@sid:${sid}`,
  tags: 'detection:session-reuse,contain:session',
  date: String(Date.now()),
})
