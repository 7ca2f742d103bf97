import type { HttpHandler } from '@azure/functions'
import * as z from 'zod'
import { type RegisterDeps, register } from '../../shared/auth/register.ts'
import { type Client, deviceOf } from '../../shared/client/client.ts'
import { requestFields } from '../../shared/client/event.ts'
import { ProblemError } from '../../shared/problem.ts'
import { type BoundaryDeps, checkShape, directClient, problemBoundary } from '../http.ts'
import { type CallDeps, readCall } from './call.ts'
import { reasonOfUnreadable } from './unreadable.ts'

const RegisterBody = z.strictObject({ email: z.string().max(1024), password: z.string().min(1).max(1024) })

/** `POST /api/auth/register` {email, password} → 202, whether or not the address was taken */
export const registerHandler = (deps: RegisterDeps & CallDeps & BoundaryDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    let client: Client = directClient(request, deps)
    let body: z.infer<typeof RegisterBody>
    try {
      const call = await readCall(request, 'POST /api/auth/register', deps)
      client = call.client
      body = checkShape(call.data, RegisterBody)
    } catch (error) {
      if (error instanceof ProblemError && error.code !== 'call-refused') await emitUnreadable(client, deps)
      throw error
    }
    const outcome = await register(body, client, deps)
    switch (outcome.kind) {
      case 'accepted':
        return { status: 202, jsonBody: { accepted: true } }
      case 'malformed':
        throw new ProblemError('request-malformed', { detail: 'Not as expected: email.' })
      case 'weak':
        throw new ProblemError('password-weak', { detail: outcome.why })
      case 'throttled':
        throw new ProblemError('throttled', { retryAfterSeconds: outcome.retryAfterSeconds })
    }
  })

async function emitUnreadable(client: Client, deps: RegisterDeps): Promise<void> {
  const reason = await reasonOfUnreadable(client, deps)
  deps.emit({ ...requestFields(client, deviceOf(client, deps)), evt: 'register', outcome: 'fail', reason })
}
