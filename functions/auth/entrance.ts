import { networkOf } from '../../shared/client/address.ts'
import type { Client } from '../../shared/client/client.ts'
import { ENTRANCE_WINDOW_MS, type Entrance, type Entrances } from '../../shared/stores/port.ts'

export interface EntranceDeps {
  entrances: Pick<Entrances, 'opened'>
  now: () => number
}

/**
 * Remembers from which network a session is opened, before there is one: a block of that network ends what was opened
 * from there during the attack.
 * @param who without the sid, which nobody has yet
 */
export const entranceOf =
  (who: Omit<Entrance, 'sid'>, { ip }: Client, deps: EntranceDeps) =>
  (sid: string): Promise<void> =>
    deps.entrances.opened(networkOf(ip), { ...who, sid }, deps.now())

/**
 * Whether what the account has known since then may be taken for its owner's: for longer than an attack is looked back
 * at, so that what an attacker was given at his first sign-in does not spare his second.
 * @param since epoch ms
 */
export const isSettled = (since: number, now: number): boolean => now - since > ENTRANCE_WINDOW_MS
