import type { LiveSession } from '../stores/port.ts'

/** How long parts of a session last; both hosts must have the same. */
export interface Lifetimes {
  /** A session ends when unused for this long. */
  idleSeconds: number
  /** Use after which a session's token is replaced by a successor. */
  renewSeconds: number
  /** How long a retired gen is still honoured (requests in flight), and how long one offer stands. */
  graceSeconds: number
}
/** How fresh an authentication must be for a change of credentials. @see OWASP ASVS 7.5.1 */
const REAUTH_WITHIN_MS = 15 * 60_000

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
 * When a token ends by itself: it must outlive the idle time of a session whose renewal was not yet due, and never
 * the session. Both lifetimes are enforced on the server whatever the token says.
 * @param now epoch ms @returns epoch seconds
 */
export const tokenExpiry = (
  { absoluteExpiry }: Pick<LiveSession, 'absoluteExpiry'>,
  { idleSeconds, renewSeconds }: Pick<Lifetimes, 'idleSeconds' | 'renewSeconds'>,
  now: number,
): number => Math.floor(Math.min(absoluteExpiry, now + (idleSeconds + renewSeconds) * 1000) / 1000)
