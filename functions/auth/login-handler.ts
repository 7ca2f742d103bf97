import type { HttpHandler } from '@azure/functions'
import * as z from 'zod'
import { type Client, deviceOf } from '../../shared/client/client.ts'
import { requestFields } from '../../shared/client/event.ts'
import { ProblemError } from '../../shared/problem.ts'
import { type BoundaryDeps, checkShape, directClient, problemBoundary } from '../http.ts'
import { issued } from './answers.ts'
import { type CallDeps, readCall } from './call.ts'
import { introduction, introductionOf } from './introduction.ts'
import { type LoginDeps, login } from './login.ts'
import { reasonOfUnreadable } from './unreadable.ts'

const LoginBody = z.strictObject({
  email: z.string().max(1024),
  password: z.string().min(1).max(1024),
  ...introduction,
})

/**
 * `POST /api/auth/login` {email, password, device_token?, remember_device?} → 200 {sid, token, expires_at, device_token?}
 * or 200 {mfa_token}
 */
export const loginHandler = (deps: LoginDeps & CallDeps & BoundaryDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    let client: Client = directClient(request, deps)
    let body: z.infer<typeof LoginBody>
    try {
      const call = await readCall(request, 'POST /api/auth/login', deps)
      client = call.client
      body = checkShape(call.data, LoginBody)
    } catch (error) {
      if (error instanceof ProblemError && error.code !== 'call-refused') await emitUnreadable(client, deps)
      throw error
    }
    const outcome = await login({ email: body.email, password: body.password, ...introductionOf(body) }, client, deps)
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

/** An attempt that could not be read is an attempt: prevention must not blind detection. */
async function emitUnreadable(client: Client, deps: LoginDeps): Promise<void> {
  const reason = await reasonOfUnreadable(client, deps)
  deps.emit({ ...requestFields(client, deviceOf(client, deps)), evt: 'login', outcome: 'fail', reason })
}
