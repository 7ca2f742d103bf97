import { setTimeout as delay } from 'node:timers/promises'

/** Sleeps until an instant that has no event. @param at epoch ms @throws when the signal ends it */
export async function sleepUntil(at: number, signal: AbortSignal): Promise<void> {
  // Timers may ring a millisecond early.
  for (let left = at - Date.now(); left > 0; left = at - Date.now()) await delay(left, undefined, { signal })
}
