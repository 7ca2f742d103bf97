import type { HttpResponseInit } from '@azure/functions'
import type { CredentialOutcome } from '../../shared/auth/credentials.ts'
import { ProblemError } from '../../shared/problem.ts'
import type { IssuedToken } from '../../shared/session/issue.ts'

/** A new session, or a new token of one. */
export const issued = ({ sid, token, expiresAt }: IssuedToken): HttpResponseInit => ({
  status: 200,
  jsonBody: { sid, token, expires_at: expiresAt },
})

export const done: HttpResponseInit = { status: 204 }

/** What became of a password that was asked for again. @throws ProblemError unless a session was issued */
export function credentialAnswer(outcome: CredentialOutcome): HttpResponseInit {
  switch (outcome.kind) {
    case 'issued':
      return issued(outcome)
    case 'refused':
      throw new ProblemError('login-refused')
    case 'code-refused':
      throw new ProblemError('code-refused')
    case 'weak':
      throw new ProblemError('password-weak', { detail: outcome.why })
    case 'throttled':
      throw new ProblemError('throttled', { retryAfterSeconds: outcome.retryAfterSeconds })
  }
}
