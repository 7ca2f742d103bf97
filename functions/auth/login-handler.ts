import type { HttpHandler } from '@azure/functions'
import * as z from 'zod'
import { ProblemError } from '../../shared/problem.ts'
import { type BoundaryDeps, problemBoundary } from '../http.ts'
import { issued } from './answers.ts'
import { type AttemptDeps, readAttempt } from './attempt.ts'
import { DEVICE_FIELDS, deviceFieldsOf } from './device-fields.ts'
import { type LoginDeps, login } from './login.ts'

const LoginBody = z.strictObject({
  email: z.string().max(1024),
  password: z.string().min(1).max(1024),
  ...DEVICE_FIELDS,
})

/**
 * `POST /api/auth/login` {email, password, device_token?, remember_device?} → 200 {sid, token, expires_at, device_token?}
 * or 200 {mfa_token}
 */
export const loginHandler = (deps: LoginDeps & AttemptDeps & BoundaryDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { client, body } = await readAttempt(request, 'POST /api/auth/login', 'login', LoginBody, deps)
    const outcome = await login({ email: body.email, password: body.password, ...deviceFieldsOf(body) }, client, deps)
    switch (outcome.kind) {
      case 'issued':
        return issued(outcome)
      case 'challenge':
        return { status: 200, jsonBody: { mfa_token: outcome.mfaToken } }
      case 'throttled':
        throw new ProblemError('throttled', { retryAfterSeconds: outcome.retryAfterSeconds })
      case 'refused':
        throw new ProblemError('login-refused')
    }
  })
