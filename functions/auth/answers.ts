import type { HttpResponseInit } from '@azure/functions'
import { ProblemError } from '../../shared/problem.ts'
import type { IssuedToken } from '../../shared/session/issue.ts'
import type { CredentialOutcome } from './credentials.ts'

/**
 * Answers with a new session or a new token of one, and with a device token if the device asked for one or presented
 * one.
 */
export const issued = (answer: IssuedToken & { deviceToken?: string | undefined }): HttpResponseInit => {
  const { sid, token, expiresAt, deviceToken } = answer
  const forDevice = deviceToken === undefined ? {} : { device_token: deviceToken }
  return { status: 200, jsonBody: { sid, token, expires_at: expiresAt, ...forDevice } }
}

export const DONE: HttpResponseInit = { status: 204 }

/** The detail for API clients. Web has its own text. */
export const STEP_UP = 'Re-authenticate this session first, with a code if a second factor is enabled.'

/** Answers the outcome of a re-authentication. @throws ProblemError unless a session was issued */
export function credentialAnswer(outcome: CredentialOutcome): HttpResponseInit {
  switch (outcome.kind) {
    case 'issued':
      return issued(outcome)
    case 'refused':
      throw new ProblemError('login-refused')
    case 'code-refused':
      throw new ProblemError('code-refused')
    case 'ended':
      throw new ProblemError('session-revoked')
    case 'step-up':
      throw new ProblemError('reauthentication-required', { detail: STEP_UP })
    case 'weak':
      throw new ProblemError('password-weak', { detail: outcome.why })
    case 'throttled':
      throw new ProblemError('throttled', { retryAfterSeconds: outcome.retryAfterSeconds })
  }
}
