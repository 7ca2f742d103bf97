import { networkOf } from '../client/address.ts'
import type { FunctionsConfig } from '../config.ts'
import type { LiveSession } from '../stores/port.ts'

/** The lifetimes of a session. Both hosts must have the same. */
export interface Lifetimes {
  /** A session ends when unused for this long. */
  idleSeconds: number
  /** Use after which a session's token is replaced by a successor. */
  renewSeconds: number
  /**
   * How long a retired gen is still accepted, for requests under way, and how long a network waits before it may ask
   * for a successor again.
   */
  graceSeconds: number
}

export const lifetimesOf = (
  config: Pick<FunctionsConfig, 'SESSION_IDLE_SECONDS' | 'SESSION_RENEW_SECONDS' | 'SESSION_GRACE_SECONDS'>,
): Lifetimes => ({
  idleSeconds: config.SESSION_IDLE_SECONDS,
  renewSeconds: config.SESSION_RENEW_SECONDS,
  graceSeconds: config.SESSION_GRACE_SECONDS,
})

/** The most live sessions of one account. A further session ends the one that would expire first. */
export const MOST_SESSIONS = 25

/** How fresh an authentication must be for a change of credentials. @see OWASP ASVS 7.5.1 */
const REAUTH_WITHIN_MS = 15 * 60_000

/** The age limit of a step-up, which is required for each change of credentials. */
const STEP_UP_WITHIN_MS = 5 * 60_000

export type DeviceBinding = 'observe' | 'challenge' | 'refuse'
export type Admission = 'accepted' | 'challenged' | 'refused'

/** Decides by the device of a session. The event before this decision is the same for all three bindings. */
export function admit(bound: string, presented: string, binding: DeviceBinding): Admission {
  if (bound === presented || binding === 'observe') return 'accepted'
  return binding === 'challenge' ? 'challenged' : 'refused'
}

/** @param now epoch ms */
export const recentlyAuthenticated = (session: Pick<LiveSession, 'authTime'>, now: number): boolean =>
  now - session.authTime < REAUTH_WITHIN_MS

/**
 * Whether the holder has recently proved, on this very session, everything that opens the account. A sign-in is not a
 * proof, because a stolen session includes the sign-in of its owner. A proof from another network does not count
 * either: the session may have been stolen right after it.
 * @param hasFactor whether a second factor is enabled; it must then be part of the proof
 * @param ip of the request
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
 * When a token expires by itself. It must outlive the idle time of a session whose renewal was not due, and must not
 * outlive the session. The server enforces both lifetimes regardless of the token.
 * @param now epoch ms
 * @returns epoch seconds
 */
export const tokenExpiry = (
  { absoluteExpiry }: Pick<LiveSession, 'absoluteExpiry'>,
  { idleSeconds, renewSeconds }: Pick<Lifetimes, 'idleSeconds' | 'renewSeconds'>,
  now: number,
): number => Math.floor(Math.min(absoluteExpiry, now + (idleSeconds + renewSeconds) * 1000) / 1000)
