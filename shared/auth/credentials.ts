import type { Client } from '../client/client.ts'
import { requestFields, riskField } from '../client/event.ts'
import { type EndDeps, logout, revokeAll } from '../session/end.ts'
import { type Authenticated, type IssueDeps, type IssuedToken, issueSession } from '../session/issue.ts'
import type { DeviceTokens, LiveSession, LiveSessions, SessionLedger, User, Users } from '../stores/port.ts'
import { isBusy } from './busy.ts'
import { type DeviceTokenKeys, findDeviceToken } from './device-token.ts'
import { type EntranceDeps, entranceOf, isSettled } from './entrance.ts'
import type { Sender } from './fair-queue.ts'
import { reauthRules } from './limits.ts'
import { type CodeDeps, checkCode } from './mfa.ts'
import { type DeviceDeps, risksOfDevice } from './new-device.ts'
import type { Passwords } from './passwords.ts'

export interface CredentialDeps extends IssueDeps, CodeDeps, DeviceDeps, EntranceDeps {
  deviceTokens: Pick<DeviceTokens, 'revokeAll'>
  deviceTokenKeys: DeviceTokenKeys
  users: Pick<Users, 'findById' | 'readEpoch' | 'changePassword' | 'acceptTotpStep'>
  passwords: Passwords
  sessions: Pick<LiveSessions, 'create' | 'end' | 'revoke'>
  ledger: SessionLedger
}

export type CredentialOutcome =
  | ({ kind: 'issued' } & IssuedToken)
  | { kind: 'refused' }
  | { kind: 'code-refused' }
  | { kind: 'weak'; why: string }
  | { kind: 'throttled'; retryAfterSeconds: number }

/**
 * Authenticates the holder of a session again: password, and code where one is enrolled. The session is replaced by
 * a new one, so that whoever copied the old token does not gain by it. @see OWASP ASVS 7.2.4
 */
export async function reauthenticate(
  session: LiveSession,
  submitted: { password: string; code?: string | undefined },
  client: Client,
  deviceHash: string,
  deps: CredentialDeps,
): Promise<CredentialOutcome> {
  const risk = await risksOfDevice(session, deviceHash, deps)
  const about = { ...requestFields(client, deviceHash), usr: { id: session.userId }, sid: session.sid }
  const proof = await provePassword(session, submitted.password, client, deps)
  if (proof.kind !== 'proved') {
    // Whoever holds a stolen session may guess here as well as at the sign-in, and must be seen doing it.
    const reason = REASONS[proof.kind]
    deps.emit({ ...about, ...riskField(risk), evt: 'credential', outcome: 'fail', action: 'reauthenticated', reason })
    return outcomeOf(proof)
  }
  const { user } = proof
  if (user.totp?.enabled) {
    const verdict = await checkCode(user, submitted.code ?? '', deps)
    const fields = { ...about, evt: 'mfa' as const }
    if (verdict !== 'accepted') {
      deps.emit({ ...fields, outcome: 'fail', reason: verdict })
      return { kind: 'code-refused' }
    }
    deps.emit({ ...fields, ...riskField(risk), outcome: 'success' })
  }
  const amr = user.totp?.enabled ? (['pwd', 'otp'] as const) : (['pwd'] as const)
  return replaceSession(session, { userId: user.id, epoch: user.epoch, amr }, client, deviceHash, deps)
}

/**
 * Sets a new password, ends every other session and revokes the tokens of every other device; this session goes on under
 * a new sid. Where a second factor is enabled
 * it stays as old as it was: the password alone must not open what needs a fresh authentication. @see OWASP ASVS 7.4.3
 */
export async function changePassword(
  session: LiveSession,
  submitted: { current: string; next: string; deviceToken?: string | undefined },
  client: Client,
  deviceHash: string,
  deps: CredentialDeps,
): Promise<CredentialOutcome> {
  const fields = {
    ...requestFields(client, deviceHash),
    ...riskField(await risksOfDevice(session, deviceHash, deps)),
    evt: 'credential' as const,
    action: 'password_changed' as const,
    usr: { id: session.userId },
    sid: session.sid,
  }
  const proof = await provePassword(session, submitted.current, client, deps)
  if (proof.kind !== 'proved') {
    deps.emit({ ...fields, outcome: 'fail', reason: REASONS[proof.kind] })
    return outcomeOf(proof)
  }
  const { user } = proof
  const sender = senderOf(client)
  const unlessBusy = (error: unknown): never => {
    if (isBusy(error)) deps.emit({ ...fields, outcome: 'fail', reason: 'busy' })
    throw error
  }
  const why = await deps.passwords.weakness(submitted.next, user.email, sender).catch(unlessBusy)
  if (why !== undefined) {
    deps.emit({ ...fields, outcome: 'fail', reason: 'weak_password' })
    return { kind: 'weak', why }
  }
  const hash = await deps.passwords.hash(submitted.next, sender).catch(unlessBusy)
  const epoch = await deps.users.changePassword(user.id, user.passwordHash, hash, new Date(deps.now()))
  if (epoch === undefined) {
    deps.emit({ ...fields, outcome: 'fail' })
    return { kind: 'refused' }
  }
  await revokeAll(user.id, { reason: 'password_changed', except: session.sid }, deps)
  const amr = session.amr.includes('otp') ? (['pwd', 'otp'] as const) : (['pwd'] as const)
  const authTime = user.totp?.enabled ? session.authTime : undefined
  let { sid } = session
  try {
    const kept = findDeviceToken(submitted.deviceToken, user.id, deps.deviceTokenKeys)
    await deps.deviceTokens.revokeAll(user.id, kept?.id)
    const replaced = await replaceSession(session, { userId: user.id, epoch, amr, authTime }, client, deviceHash, deps)
    if (replaced.kind === 'issued') sid = replaced.sid
    return replaced
  } finally {
    // Under the name of the session that goes on: to revoke the one that is over would leave a thief in.
    deps.emit({ ...fields, sid, outcome: 'success' })
  }
}

type Refusal = Extract<CredentialOutcome, { kind: 'refused' | 'throttled' }>
type Unproved = Refusal | { kind: 'busy'; error: unknown }
const REASONS = { refused: 'wrong_password', throttled: 'throttled', busy: 'busy' } as const

/** @throws ProblemError `unavailable` if the password could not be looked at */
function outcomeOf(proof: Unproved): Refusal {
  if (proof.kind === 'busy') throw proof.error
  return proof
}

const senderOf = ({ ip }: Client): Sender => ({ ip, trusted: false })

async function provePassword(
  session: LiveSession,
  password: string,
  client: Client,
  deps: CredentialDeps,
): Promise<{ kind: 'proved'; user: User } | Unproved> {
  const user = await deps.users.findById(session.userId)
  const rules = reauthRules(session.sid)
  const refusal = await deps.throttle.reserve(rules)
  if (refusal) return { kind: 'throttled', ...refusal }
  const check = await deps.passwords
    .check(password, user?.passwordHash, senderOf(client))
    .catch(async (error: unknown) => {
      await deps.throttle.release(rules.map((rule) => rule.key))
      return { kind: 'busy' as const, error }
    })
  if ('kind' in check) return check
  if (!user || !check.matches) return { kind: 'refused' }
  await deps.throttle.clear(rules.map((rule) => rule.key))
  return { kind: 'proved', user }
}

async function replaceSession(
  session: LiveSession,
  who: Authenticated,
  client: Client,
  deviceHash: string,
  deps: CredentialDeps & EndDeps,
): Promise<CredentialOutcome> {
  // Whoever was let in oddly does not become somebody else by proving again what they knew.
  const { risk = [], createdAt, newDeviceSince } = session
  // Nor does a young one become an old one: what ends the session that an attack opened ends what took its place.
  const entrance = { userId: who.userId, odd: risk.length > 0 }
  const announce = isSettled(createdAt, deps.now()) ? undefined : entranceOf(entrance, client, deps)
  const issued = await issueSession({ ...who, risk, newDeviceSince, announce }, client, deviceHash, deps)
  await logout(session, client, deviceHash, deps)
  return issued ? { kind: 'issued', ...issued } : { kind: 'refused' }
}
