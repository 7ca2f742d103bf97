import type { HttpHandler } from '@azure/functions'
import * as z from 'zod'
import { ProblemError } from '../../shared/problem.ts'
import { type BoundaryDeps, problemBoundary } from '../http.ts'
import { type AttemptDeps, readAttempt } from './attempt.ts'
import { type RegisterDeps, register } from './register.ts'

const RegisterBody = z.strictObject({ email: z.string().max(1024), password: z.string().min(1).max(1024) })

/**
 * `POST /api/auth/register` {email, password} → 202 {accepted, registration}, whatever the outcome: only the mail
 * tells it, to the owner of the address.
 */
export const registerHandler = (deps: RegisterDeps & AttemptDeps & BoundaryDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { client, body } = await readAttempt(request, 'POST /api/auth/register', 'register', RegisterBody, deps)
    const outcome = await register(body, client, deps)
    switch (outcome.kind) {
      case 'accepted':
        return { status: 202, jsonBody: { accepted: true, registration: outcome.registration } }
      case 'malformed':
        throw new ProblemError('request-malformed', { detail: 'Not as expected: email.' })
      case 'weak':
        throw new ProblemError('password-weak', { detail: outcome.why })
      case 'throttled':
        throw new ProblemError('throttled', { retryAfterSeconds: outcome.retryAfterSeconds })
    }
  })
