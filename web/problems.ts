import { type ProblemCode, ProblemError, problems } from '../shared/problem.ts'
import type { SessionCheck } from '../shared/session/present.ts'
import type { RevocationReason } from '../shared/stores/port.ts'
import { retryAfterOf } from '../shared/stores/unavailable.ts'

/** The errors of Express and its body parsers have the status that they would answer. */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined
  if (status === 413) return new ProblemError('request-too-large')
  if (typeof status === 'number' && status >= 400 && status < 500) return new ProblemError('request-malformed')
  if (retryAfterOf(error) !== undefined) return unavailable(error)
  return new ProblemError('internal-error', { cause: error })
}

/**
 * The status of a form that is shown again. 401 belongs to HTTP authentication and needs a challenge (RFC 9110
 * 15.5.2), which a form is not. Password guessers such as hydra would misread the page.
 */
export const formStatus = (code: ProblemCode): number =>
  code === 'login-refused' || code === 'code-refused' ? 403 : problems[code].status

/** A failing store denies the request, with a hint to try again. */
export const unavailable = (cause: unknown) => new ProblemError('unavailable', { cause, retryAfterSeconds: 5 })

/** @throws always */
export function storeFailed(cause: unknown): never {
  throw unavailable(cause)
}

const REVOCATIONS: Readonly<Record<RevocationReason, string>> = {
  contained: 'We ended this session to protect your account: it was used in a way that looked like theft.',
  forked: 'We ended this session to protect your account: two browsers held it at once.',
  ended_elsewhere: 'You ended this session from another one.',
  factor_changed: 'Your second factor was turned on or off, which ended every other session.',
  too_many_sessions: 'This account was signed in at too many places at once, which ended the oldest session.',
  password_changed: 'Your password was changed, which ended every other session. Sign in with the new one.',
}

/** Advice if somebody else may have had the session. */
export const CARE = {
  when: 'If that was not you:',
  steps: [
    'Sign in below.',
    'Change your password on the account page; that ends every other session.',
    'Turn on an authenticator app there, if it is off.',
    'End the sessions that you do not know on the sessions page.',
  ],
} as const
const CARE_IN_SHORT =
  'If that was not you: sign in, change your password, which ends every other session, and turn on an authenticator app.'

/** The end of the session, for a page; `careful` if another person may have had it. */
export const endingOf = (reason: RevocationReason): { text: string; careful: boolean } => ({
  text: REVOCATIONS[reason],
  careful: reason !== 'ended_elsewhere' && reason !== 'password_changed',
})

function wordsOf(reason: RevocationReason): string {
  const { text, careful } = endingOf(reason)
  return careful ? `${text} ${CARE_IN_SHORT}` : text
}

/** Why a request with this session is refused, in words for its holder. */
export function problemOfCheck(check: Exclude<SessionCheck, { kind: 'accepted' }>): ProblemError {
  switch (check.kind) {
    case 'missing':
      return new ProblemError('session-required', { detail: 'Sign in to see this page.' })
    case 'invalid':
      return new ProblemError('session-invalid', { detail: 'Your session could not be read. Sign in again.' })
    case 'expired':
      return new ProblemError('session-expired', { detail: 'Your session has expired. Sign in again.' })
    case 'fork':
      return new ProblemError('session-forked', { detail: wordsOf('forked') })
    case 'revoked':
      return new ProblemError('session-revoked', { detail: wordsOf(check.reason) })
    case 'refused':
      return new ProblemError('session-device', { detail: 'This session belongs to another device. Sign in here.' })
    case 'challenged':
      return new ProblemError('reauthentication-required', {
        detail: 'This session was started on another device. Enter your password to go on here.',
      })
  }
}

export const waitText = (seconds = 60): string => `Too many attempts. ${tryAgain(seconds)}`

export function tryAgain(seconds: number): string {
  if (seconds < 120) return `Try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`
  return `Try again in ${Math.ceil(seconds / 60)} minutes.`
}
