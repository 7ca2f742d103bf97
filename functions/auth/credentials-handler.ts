import type { HttpHandler } from '@azure/functions'
import * as z from 'zod'
import type { PresentDeps } from '../../shared/session/present.ts'
import { type BoundaryDeps, bearerOf, checkShape, problemBoundary } from '../http.ts'
import { credentialAnswer } from './answers.ts'
import { type CallDeps, readCall } from './call.ts'
import { type CredentialDeps, changePassword, reauthenticate } from './credentials.ts'
import { DEVICE_FIELDS } from './device-fields.ts'
import { requireHolder, requireSession } from './session-guard.ts'

const password = z.string().min(1).max(1024)
const ReauthBody = z.strictObject({ password, code: z.string().max(16).optional() })
const { device_token } = DEVICE_FIELDS
const PasswordBody = z.strictObject({ current_password: password, new_password: password, device_token })

type Deps = CredentialDeps & PresentDeps & CallDeps & BoundaryDeps

/** `POST /api/auth/reauth` {password, code?} → a new session that replaces the calling one */
export const reauthHandler = (deps: Deps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { client, data } = await readCall(request, 'POST /api/auth/reauth', deps)
    const asking = await requireHolder(bearerOf(request), client, deps)
    return credentialAnswer(await reauthenticate(asking, checkShape(data, ReauthBody), deps))
  })

/** `POST /api/auth/password` {current_password, new_password, device_token?} → a new session; all others end */
export const passwordHandler = (deps: Deps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { client, data } = await readCall(request, 'POST /api/auth/password', deps)
    const asking = await requireSession(bearerOf(request), client, deps)
    const body = checkShape(data, PasswordBody)
    const submitted = { current: body.current_password, next: body.new_password, deviceToken: body.device_token }
    return credentialAnswer(await changePassword(asking, submitted, deps))
  })
