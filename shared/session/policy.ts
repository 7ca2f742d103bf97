import { networkOf } from '../client/address.ts'
import type { LiveSession } from '../stores/port.ts'

/** How long parts of a session last; both hosts must have the same. */
export interface Lifetimes {
  /** A session ends when unused for this long. */
  idleSeconds: number
  /** Use after which a session's token is replaced by a successor. */
  renewSeconds: number
  /** How long a retired gen is still accepted (requests in flight), and how long a network waits before it may ask again. */
  graceSeconds: number
}
/** Live sessions of one account; one more ends the one that would expire first. */
export const MOST_SESSIONS = 25

/** How fresh an authentication must be for a change of credentials. @see OWASP ASVS 7.5.1 */
const REAUTH_WITHIN_MS = 15 * 60_000

/** How fresh a step up must be, once for each change of what opens the account. */
const STEP_UP_WITHIN_MS = 5 * 60_000

export type DeviceBinding = 'observe' | 'challenge' | 'refuse'
export type Admission = 'accepted' | 'challenged' | 'refused'

/** What a session's device decides. The event that is emitted before this is the same in all three bindings. */
export function admit(bound: string, presented: string, binding: DeviceBinding): Admission {
  if (bound === presented || binding === 'observe') return 'accepted'
  return binding === 'challenge' ? 'challenged' : 'refused'
}

/** @param now epoch ms */
export const recentlyAuthenticated = (session: Pick<LiveSession, 'authTime'>, now: number): boolean =>
  now - session.authTime < REAUTH_WITHIN_MS

/**
 * Whether the holder has lately proved, on this very session, all that opens the account: a sign-in is no proof, because
 * a stolen session is as old as the sign-in that was stolen. Nor is a proof that was given in another network: the session
 * may have been stolen right after it.
 * @param hasFactor whether a second factor is on: then it must have been given as well
 * @param ip of whoever asks
 * @see OWASP ASVS 7.5.1
 */
export const hasSteppedUp = (
  session: Pick<LiveSession, 'acr' | 'amr' | 'authTime' | 'ip'>,
  { hasFactor, ip }: { hasFactor: boolean; ip: string },
  now: number,
): boolean =>
  session.acr === 're-authenticated' &&
  now - session.authTime < STEP_UP_WITHIN_MS &&
  networkOf(session.ip) === networkOf(ip) &&
  (!hasFactor || session.amr.includes('otp'))

/**
 * When a token ends by itself: it must outlive the idle time of a session whose renewal was not yet due, and never
 * the session. Both lifetimes are enforced on the server whatever the token says.
 * @param now epoch ms @returns epoch seconds
 */
export const tokenExpiry = (
  { absoluteExpiry }: Pick<LiveSession, 'absoluteExpiry'>,
  { idleSeconds, renewSeconds }: Pick<Lifetimes, 'idleSeconds' | 'renewSeconds'>,
  now: number,
): number => Math.floor(Math.min(absoluteExpiry, now + (idleSeconds + renewSeconds) * 1000) / 1000)
