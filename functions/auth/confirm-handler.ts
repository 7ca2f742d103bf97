import type { HttpHandler } from '@azure/functions'
import * as z from 'zod'
import { ProblemError } from '../../shared/problem.ts'
import { type BoundaryDeps, problemBoundary } from '../http.ts'
import { type AttemptDeps, readAttempt } from './attempt.ts'
import { type ConfirmDeps, confirm } from './confirm.ts'

const ConfirmBody = z
  .strictObject({
    token: z.string().min(1).max(256),
    registration: z.string().min(1).max(256).optional(),
    password: z.string().min(1).max(1024).optional(),
  })
  .refine(({ registration, password }) => registration === undefined || password === undefined, { path: ['password'] })

/** One text for every refusal, so that nobody learns what was wrong. */
const DETAIL =
  'A link opens an account once, within 24 hours. It needs the `registration` from the answer to the registration, or the `password` that was chosen.'

/**
 * `POST /api/auth/confirm` {token, registration} or {token, password} → 200 {email}. Opens the account without
 * signing anybody in.
 */
export const confirmHandler = (deps: ConfirmDeps & AttemptDeps & BoundaryDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { client, body } = await readAttempt(request, 'POST /api/auth/confirm', 'register', ConfirmBody, deps)
    const outcome = await confirm(body, client, deps)
    switch (outcome.kind) {
      case 'confirmed':
        return { status: 200, jsonBody: { email: outcome.email } }
      case 'refused':
        throw new ProblemError('confirmation-refused', { detail: DETAIL })
      case 'throttled':
        throw new ProblemError('throttled', { retryAfterSeconds: outcome.retryAfterSeconds })
    }
  })
