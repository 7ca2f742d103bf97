import type { Client, ClientDeps } from '../client/client.ts'
import { requestFields, riskField } from '../client/event.ts'
import type { Emit, Event } from '../event.ts'
import type { Secret } from '../secret.ts'
import { type IssueDeps, type IssuedToken, issueSession } from '../session/issue.ts'
import type { KnownDevices, LiveSession, PendingMfas, Throttle, User, Users } from '../stores/port.ts'
import { type EntranceDeps, entranceOf } from './entrance.ts'
import { MFA_TRIES, mfaRules } from './limits.ts'
import { type DeviceDeps, isNewDevice, risksOfDevice } from './new-device.ts'
import { newTotpSecret, openTotp, otpauthUri, sealTotp, stepOfCode } from './totp.ts'

export interface CodeDeps {
  users: Pick<Users, 'acceptTotpStep'>
  throttle: Throttle
  totpKeys: readonly [Secret, ...Secret[]]
  now: () => number
}

type CodeFault = Extract<
  Extract<Event, { evt: 'mfa'; outcome: 'fail' }>['reason'],
  'wrong_code' | 'replayed_code' | 'too_many'
>

/**
 * Checks a code of an enabled authenticator: right, within the window, never used before, within the account's limit.
 * Of two equal codes at the same instant one is accepted. @see RFC 6238 5.2
 */
export async function checkCode(user: User, code: string, deps: CodeDeps): Promise<'accepted' | CodeFault> {
  if (!user.totp?.enabled) return 'wrong_code'
  const rules = mfaRules(user.id)
  if (await deps.throttle.reserve(rules)) return 'too_many'
  const step = await stepOfCode(openTotp(user.totp.secret, user.id, deps.totpKeys), code, deps.now())
  if (step === undefined) return 'wrong_code'
  if (!(await deps.users.acceptTotpStep(user.id, step))) return 'replayed_code'
  await deps.throttle.clear(rules.map((rule) => rule.key))
  return 'accepted'
}

export interface VerifyMfaDeps extends ClientDeps, IssueDeps, CodeDeps, EntranceDeps {
  users: Pick<Users, 'findById' | 'readEpoch' | 'acceptTotpStep'>
  pendingMfas: Pick<PendingMfas, 'attempt' | 'consume'>
  devices: KnownDevices
}

export type VerifyMfaOutcome = ({ kind: 'issued' } & IssuedToken) | { kind: 'refused' }

/** The second half of a sign-in. The half session can do nothing else, for a few minutes and a few tries. */
export async function verifyMfa(
  submitted: { mfaToken: string; code: string },
  client: Client,
  deviceHash: string,
  deps: VerifyMfaDeps,
): Promise<VerifyMfaOutcome> {
  const fields = { ...requestFields(client, deviceHash), evt: 'mfa' as const }
  const tried = await deps.pendingMfas.attempt(submitted.mfaToken)
  const user = tried && (await deps.users.findById(tried.pending.userId))
  if (!tried || !user || user.epoch !== tried.pending.epoch) {
    deps.emit({ ...fields, outcome: 'fail', reason: 'expired' })
    return { kind: 'refused' }
  }
  const usr = { id: user.id }
  const verdict = tried.attempts > MFA_TRIES ? 'too_many' : await checkCode(user, submitted.code, deps)
  if (verdict !== 'accepted') {
    if (verdict === 'too_many') await deps.pendingMfas.consume(submitted.mfaToken)
    deps.emit({ ...fields, outcome: 'fail', reason: verdict, usr })
    return { kind: 'refused' }
  }
  const { risk } = tried.pending
  const isKnown = (await deps.devices.find(user.id, deviceHash)) !== undefined
  const odd = risk !== undefined && risk.length > 0
  const announce = isKnown ? undefined : entranceOf({ userId: user.id, odd }, client, deps)
  const who = { userId: user.id, epoch: user.epoch, amr: ['pwd', 'otp'] as const, risk, announce }
  const issued = (await deps.pendingMfas.consume(submitted.mfaToken))
    ? await issueSession(who, client, deviceHash, deps)
    : undefined
  if (!issued) {
    deps.emit({ ...fields, outcome: 'fail', reason: 'expired', usr })
    return { kind: 'refused' }
  }
  const now = deps.now()
  const isNew = isNewDevice(await deps.devices.remember(user.id, deviceHash, new Date(now)), now)
  deps.emit({ ...fields, ...riskField(isNew ? ['new_device'] : []), outcome: 'success', usr, sid: issued.sid })
  return { kind: 'issued', ...issued }
}

export interface EnrolDeps extends CodeDeps, DeviceDeps {
  users: Pick<Users, 'findById' | 'offerTotp' | 'enableTotp' | 'disableTotp' | 'acceptTotpStep'>
  emit: Emit
}

/** @returns the secret, shown this once; undefined if an authenticator is enabled already */
export async function enrolTotp(
  session: LiveSession,
  deps: EnrolDeps,
): Promise<{ secret: string; uri: string } | undefined> {
  const user = await deps.users.findById(session.userId)
  if (!user) return undefined
  const secret = newTotpSecret()
  const offered = await deps.users.offerTotp(user.id, sealTotp(secret, user.id, deps.totpKeys), new Date(deps.now()))
  return offered ? { secret, uri: otpauthUri(user.email, secret) } : undefined
}

/** Turns the offered authenticator on, once a code shows that it works. @see OWASP ASVS 6.5.1 */
export async function confirmTotp(
  session: LiveSession,
  code: string,
  client: Client,
  deviceHash: string,
  deps: EnrolDeps,
): Promise<'enabled' | 'refused' | 'nothing-offered'> {
  const user = await deps.users.findById(session.userId)
  if (!user?.totp || user.totp.enabled) return 'nothing-offered'
  const fields = { ...requestFields(client, deviceHash), evt: 'mfa' as const, usr: { id: user.id }, sid: session.sid }
  const rules = mfaRules(user.id)
  if (await deps.throttle.reserve(rules)) {
    deps.emit({ ...fields, outcome: 'fail', reason: 'too_many' })
    return 'refused'
  }
  const step = await stepOfCode(openTotp(user.totp.secret, user.id, deps.totpKeys), code, deps.now())
  if (step === undefined) {
    deps.emit({ ...fields, outcome: 'fail', reason: 'wrong_code' })
    return 'refused'
  }
  const risk = await risksOfDevice(user.id, deviceHash, deps)
  if (!(await deps.users.enableTotp(user.id, user.totp.secret, step, new Date(deps.now())))) return 'nothing-offered'
  await deps.throttle.clear(rules.map((rule) => rule.key))
  deps.emit({ ...fields, ...riskField(risk), outcome: 'enabled' })
  return 'enabled'
}

/** @returns false if none was enabled */
export async function disableTotp(
  session: LiveSession,
  client: Client,
  deviceHash: string,
  deps: EnrolDeps,
): Promise<boolean> {
  const risk = await risksOfDevice(session.userId, deviceHash, deps)
  if (!(await deps.users.disableTotp(session.userId, new Date(deps.now())))) return false
  const usr = { id: session.userId }
  deps.emit({
    ...requestFields(client, deviceHash),
    ...riskField(risk),
    evt: 'mfa',
    outcome: 'disabled',
    usr,
    sid: session.sid,
    level: 'warn',
  })
  return true
}
