import { networkOf } from '../../shared/client/address.ts'
import type { Client } from '../../shared/client/client.ts'
import { type RecentSignIn, type RecentSignIns, SIGN_IN_WINDOW_MS } from '../../shared/stores/port.ts'

export interface RecentSignInDeps {
  recentSignIns: Pick<RecentSignIns, 'opened'>
  now: () => number
}

/**
 * Stores the network of a session before the session exists: a block of that network ends the sessions that were
 * opened from there during the attack.
 * @param who without the sid, which does not exist yet
 */
export const recordSignIn =
  (who: Omit<RecentSignIn, 'sid'>, { ip }: Client, deps: RecentSignInDeps) =>
  (sid: string): Promise<void> =>
    deps.recentSignIns.opened(networkOf(ip), { ...who, sid }, deps.now())

/**
 * Whether something has been known to the account for longer than the look-back of a block. Otherwise a token from
 * the first sign-in of an attacker would spare the second one.
 * @param since epoch ms
 */
export const isSettled = (since: number, now: number): boolean => now - since > SIGN_IN_WINDOW_MS
