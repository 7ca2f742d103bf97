import type { HttpHandler } from '@azure/functions'
import * as z from 'zod'
import { actorOf } from '../../shared/client/client.ts'
import { ProblemError } from '../../shared/problem.ts'
import type { PresentDeps } from '../../shared/session/present.ts'
import { type BoundaryDeps, bearerOf, checkShape, problemBoundary } from '../http.ts'
import { DONE, issued, STEP_UP } from './answers.ts'
import { type CallDeps, readBareCall, readCall } from './call.ts'
import { DEVICE_FIELDS, deviceFieldsOf } from './device-fields.ts'
import { confirmTotp, disableTotp, type EnrolDeps, enrolTotp, type VerifyMfaDeps, verifyMfa } from './mfa.ts'
import { requireSession } from './session-guard.ts'

const code = z.string().max(16)
const VerifyBody = z.strictObject({ mfa_token: z.string().max(128), code, ...DEVICE_FIELDS })
const ConfirmBody = z.strictObject({ code })

/** `POST /api/auth/mfa/verify` {mfa_token, code, device_token?, remember_device?} → as login */
export const mfaVerifyHandler = (deps: VerifyMfaDeps & CallDeps & BoundaryDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { client, data } = await readCall(request, 'POST /api/auth/mfa/verify', deps)
    const body = checkShape(data, VerifyBody)
    const submitted = { mfaToken: body.mfa_token, code: body.code, ...deviceFieldsOf(body) }
    const outcome = await verifyMfa(submitted, actorOf(client, deps), deps)
    if (outcome.kind === 'refused') throw new ProblemError('code-refused')
    return issued(outcome)
  })

type EnrolledDeps = EnrolDeps & PresentDeps & CallDeps & BoundaryDeps

/** `POST /api/auth/mfa/enrol` → {secret, otpauth_uri}; the secret is shown only once */
export const mfaEnrolHandler = (deps: EnrolledDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { client } = await readBareCall(request, 'POST /api/auth/mfa/enrol', deps)
    const check = await requireSession(bearerOf(request), client, deps)
    const offer = await enrolTotp(check, deps)
    if (offer.kind === 'throttled') throw new ProblemError('throttled', { retryAfterSeconds: offer.retryAfterSeconds })
    if (offer.kind !== 'offered') throw refusalOf(offer.kind, 'A second factor is enabled already.')
    return { status: 200, jsonBody: { secret: offer.secret, otpauth_uri: offer.uri } }
  })

/** `POST /api/auth/mfa/confirm` {code} → 204; every other session ends */
export const mfaConfirmHandler = (deps: EnrolledDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { client, data } = await readCall(request, 'POST /api/auth/mfa/confirm', deps)
    const check = await requireSession(bearerOf(request), client, deps)
    const body = checkShape(data, ConfirmBody)
    const { kind } = await confirmTotp(check, body.code, deps)
    if (kind === 'enabled') return DONE
    throw refusalOf(kind, 'Enrol a second factor first.')
  })

/** `POST /api/auth/mfa/disable` → 204; every other session ends */
export const mfaDisableHandler = (deps: EnrolledDeps): HttpHandler =>
  problemBoundary(deps, async (request) => {
    const { client } = await readBareCall(request, 'POST /api/auth/mfa/disable', deps)
    const check = await requireSession(bearerOf(request), client, deps)
    const { kind } = await disableTotp(check, deps)
    if (kind === 'disabled') return DONE
    throw refusalOf(kind, 'No second factor is enabled.')
  })

/** @param state the state of the second factor, if that is the reason */
function refusalOf(kind: 'refused' | 'nothing-offered' | 'step-up' | 'ended', state: string): ProblemError {
  switch (kind) {
    case 'refused':
      return new ProblemError('code-refused')
    case 'nothing-offered':
      return new ProblemError('mfa-state', { detail: state })
    case 'step-up':
      return new ProblemError('reauthentication-required', { detail: STEP_UP })
    case 'ended':
      return new ProblemError('session-revoked')
  }
}
