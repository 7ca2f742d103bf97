import { type Actor, type ClientDeps, originOf } from '../../shared/client/client.ts'
import { actorFields, riskField } from '../../shared/client/event.ts'
import type { Emit, Event } from '../../shared/event.ts'
import type { Secret } from '../../shared/secret.ts'
import { type EndAllDeps, endOthers } from '../../shared/session/end.ts'
import { type IssueDeps, type IssuedToken, issueSession } from '../../shared/session/issue.ts'
import { hasSteppedUp } from '../../shared/session/policy.ts'
import type { Asking } from '../../shared/session/present.ts'
import type {
  BlockList,
  LiveSession,
  LiveSessions,
  PendingMfa,
  PendingMfas,
  Throttle,
  User,
  Users,
} from '../../shared/stores/port.ts'
import { enrolRules, MFA_TRIES, mfaRules } from './limits.ts'
import { type DeviceDeps, risksOfDevice } from './new-device.ts'
import type { RecentSignInDeps } from './recent-sign-in.ts'
import {
  type DeviceFields,
  holdsToken,
  isBlocked,
  type Recognition,
  recognise,
  recordDevice,
  type SignInDeviceDeps,
  signInRecord,
} from './sign-in-device.ts'
import { newTotpSecret, openTotp, otpauthUri, sealTotp, stepOfCode } from './totp.ts'

export interface CodeDeps {
  users: Pick<Users, 'acceptTotpStep' | 'releaseTotpStep'>
  throttle: Throttle
  totpKeys: readonly [Secret, ...Secret[]]
  now: () => number
}

type CodeFault = Extract<
  Extract<Event, { evt: 'mfa'; outcome: 'fail' }>['reason'],
  'wrong_code' | 'replayed_code' | 'too_many'
>

/**
 * Checks a code of an enabled authenticator: right, within the window, never used before, within the limit of the
 * account. Of two equal codes at the same instant one is accepted.
 * @param lineage of the device token of this account that was presented at a sign-in
 * @see RFC 6238 5.2
 */
export async function checkCode(
  user: User,
  code: string,
  deps: CodeDeps,
  lineage?: string,
): Promise<AcceptedCode | CodeFault> {
  if (!user.totp?.enabled) return 'wrong_code'
  const rules = mfaRules(user.id, lineage)
  if (await deps.throttle.reserve(rules)) return 'too_many'
  const step = await stepOfCode(openTotp(user.totp.secret, user.id, deps.totpKeys), code, deps.now())
  if (step === undefined) return 'wrong_code'
  if (!(await deps.users.acceptTotpStep(user.id, step))) return 'replayed_code'
  const accepted = { userId: user.id, step }
  await deps.throttle.clear(rules.map((rule) => rule.key)).catch(giveBack(accepted, deps))
  return accepted
}

interface AcceptedCode {
  userId: string
  step: number
}

/**
 * Makes a code usable again that opened no session because a store failed. Otherwise its owner, who is told to try
 * again, would replay it, and the second replay ends all of their sessions.
 */
export const giveBack =
  ({ userId, step }: AcceptedCode, { users }: Pick<CodeDeps, 'users'>) =>
  async (fault: unknown): Promise<never> => {
    await users.releaseTotpStep(userId, step).catch(() => undefined)
    throw fault
  }

export interface VerifyMfaDeps extends ClientDeps, IssueDeps, CodeDeps, SignInDeviceDeps, RecentSignInDeps {
  users: Pick<Users, 'findById' | 'readEpoch' | 'acceptTotpStep' | 'releaseTotpStep' | 'expectDeviceTokens'>
  pendingMfas: Pick<PendingMfas, 'attempt' | 'consume'>
  blocks: Pick<BlockList, 'blockedBy'>
}

export type VerifyMfaOutcome =
  | ({ kind: 'issued'; deviceToken?: string | undefined } & IssuedToken)
  | { kind: 'refused' }

/**
 * The second half of a sign-in. The half session allows nothing else, for a few minutes and attempts. A block, or a
 * revocation of all sessions, that comes while the code is checked counts as if it had come before.
 */
export async function verifyMfa(
  submitted: { mfaToken: string; code: string } & DeviceFields,
  actor: Actor,
  deps: VerifyMfaDeps,
): Promise<VerifyMfaOutcome> {
  const { client } = actor
  const fields = { ...actorFields(actor), evt: 'mfa' as const }
  const tried = await deps.pendingMfas.attempt(submitted.mfaToken)
  const user = tried && (await deps.users.findById(tried.pending.userId))
  if (!tried || !user || user.epoch !== tried.pending.epoch) {
    deps.emit({ ...fields, outcome: 'fail', reason: 'expired' })
    return { kind: 'refused' }
  }
  const usr = { id: user.id }
  const recognition = await recognise(submitted, user.id, deps)
  const { holder } = recognition
  if (await isBlocked(client, () => holder !== undefined, deps)) {
    deps.emit({ ...fields, outcome: 'fail', reason: 'blocked', usr })
    return { kind: 'refused' }
  }
  const holding = { submitted, user, pending: tried.pending, recognition }
  return decideByCode(holding, tried.attempts, actor, deps).catch((fault: unknown) => {
    // A failing store is our fault, and the attempt still has its event.
    deps.emit({ ...fields, outcome: 'fail', reason: 'busy', usr })
    throw fault
  })
}

async function decideByCode(
  holding: Holding,
  attempts: number,
  actor: Actor,
  deps: VerifyMfaDeps,
): Promise<VerifyMfaOutcome> {
  const { submitted, user, recognition } = holding
  const { lineage } = recognition.holder ?? {}
  const verdict = attempts > MFA_TRIES ? 'too_many' : await checkCode(user, submitted.code, deps, lineage)
  if (typeof verdict !== 'string') return finishSignIn(holding, actor, deps).catch(giveBack(verdict, deps))
  if (verdict === 'too_many') await deps.pendingMfas.consume(submitted.mfaToken)
  deps.emit({ ...actorFields(actor), evt: 'mfa', outcome: 'fail', reason: verdict, usr: { id: user.id } })
  return { kind: 'refused' }
}

/** A half session and what was submitted for its second half. */
interface Holding {
  submitted: { mfaToken: string; code: string } & DeviceFields
  user: User
  pending: PendingMfa
  recognition: Recognition
}

/** Opens the session of a sign-in whose code was right. */
async function finishSignIn(
  { submitted, user, pending, recognition }: Holding,
  actor: Actor,
  deps: VerifyMfaDeps,
): Promise<VerifyMfaOutcome> {
  const { client, deviceHash } = actor
  const fields = { ...actorFields(actor), evt: 'mfa' as const }
  const usr = { id: user.id }
  if (!(await deps.pendingMfas.consume(submitted.mfaToken))) {
    deps.emit({ ...fields, outcome: 'fail', reason: 'expired', usr })
    return { kind: 'refused' }
  }
  const asks = submitted.rememberDevice === true
  const device = await recordDevice({ user, deviceHash, ...recognition }, asks, deps)
  const { newDeviceSince } = device
  let blocked = false
  const stillAllowed = async () => {
    blocked = await isBlocked(client, () => holdsToken(submitted, user.id, deps), deps)
    return !blocked
  }
  const { begunAt, risk: proved = [] } = pending
  const recordSignIn = signInRecord(device, user.id, proved, client, deps)
  const amr = ['pwd', 'otp'] as const
  const about = { risk: proved, newDeviceSince, recordSignIn, stillAllowed }
  const who = { userId: user.id, epoch: user.epoch, begunAt, amr, ...about }
  const issued = await issueSession(who, actor, deps).catch(async (error: unknown) => {
    await device.undo()
    throw error
  })
  if (!issued) {
    await device.undo()
    deps.emit({ ...fields, outcome: 'fail', reason: blocked ? 'blocked' : 'expired', usr })
    return { kind: 'refused' }
  }
  const deviceToken = await device.confirm(issued.risk)
  const risk = newDeviceSince === undefined ? [] : ['new_device' as const]
  deps.emit({ ...fields, ...riskField(risk), outcome: 'success', usr, sid: issued.sid })
  return { kind: 'issued', ...issued, deviceToken }
}

export interface EnrolDeps extends CodeDeps, DeviceDeps, EndAllDeps {
  users: Pick<Users, 'findById' | 'offerTotp' | 'enableTotp' | 'disableTotp' | 'acceptTotpStep' | 'releaseTotpStep'>
  sessions: EndAllDeps['sessions'] & Pick<LiveSessions, 'read'>
  emit: Emit
}

/** `step-up`: the session must be re-authenticated first. `ended`: it, or every session of its user, was ended. */
type Barred = { kind: 'step-up' | 'ended' }

const fieldsOf = (asking: Asking) => ({
  ...actorFields(asking),
  evt: 'mfa' as const,
  usr: { id: asking.session.userId },
  sid: asking.session.sid,
})

/** The user of a session that may change the credentials. A session that may not is logged. */
async function changerOf(asking: Asking, deps: EnrolDeps): Promise<{ kind: 'user'; user: User } | Barred> {
  const { session, client } = asking
  const user = await deps.users.findById(session.userId)
  if (user?.epoch !== session.epoch) return { kind: 'ended' }
  const hasFactor = user.totp?.enabled ?? false
  if (hasSteppedUp(session, { hasFactor, ip: client.ip }, deps.now())) return { kind: 'user', user }
  deps.emit({ ...fieldsOf(asking), outcome: 'fail', reason: 'step_up' })
  return { kind: 'step-up' }
}

/** @returns the secret, which is shown only once; `nothing-offered` if an authenticator is enabled already */
export async function enrolTotp(
  asking: Asking,
  deps: EnrolDeps,
): Promise<
  | { kind: 'offered'; secret: string; uri: string }
  | { kind: 'throttled'; retryAfterSeconds: number }
  | { kind: 'nothing-offered' }
  | Barred
> {
  const changer = await changerOf(asking, deps)
  if (changer.kind !== 'user') return changer
  const { user } = changer
  if (user.totp?.enabled) return { kind: 'nothing-offered' }
  const refusal = await deps.throttle.reserve(enrolRules(user.id))
  if (refusal) return { kind: 'throttled', ...refusal }
  const secret = newTotpSecret()
  const offered = await deps.users.offerTotp(user.id, sealTotp(secret, user.id, deps.totpKeys), new Date(deps.now()))
  return offered ? { kind: 'offered', secret, uri: otpauthUri(user.email, secret) } : { kind: 'nothing-offered' }
}

/**
 * Enables the offered authenticator once a code shows that it works, and ends the other sessions, unless the device
 * is new to the account. A new device may be that of a thief with the password: takeover-actions reports and ends it,
 * and an owner whose sessions it had ended could never return.
 * @see OWASP ASVS 6.5.1
 */
export async function confirmTotp(
  asking: Asking,
  code: string,
  deps: EnrolDeps,
): Promise<{ kind: 'enabled' | 'refused' | 'nothing-offered' } | Barred> {
  const changer = await changerOf(asking, deps)
  if (changer.kind !== 'user') return changer
  const { user } = changer
  if (!user.totp || user.totp.enabled) return { kind: 'nothing-offered' }
  const { session, deviceHash } = asking
  const fields = fieldsOf(asking)
  const rules = mfaRules(user.id)
  if (await deps.throttle.reserve(rules)) {
    deps.emit({ ...fields, outcome: 'fail', reason: 'too_many' })
    return { kind: 'refused' }
  }
  const { secret } = user.totp
  const step = await stepOfCode(openTotp(secret, user.id, deps.totpKeys), code, deps.now())
  if (step === undefined) {
    deps.emit({ ...fields, outcome: 'fail', reason: 'wrong_code' })
    return { kind: 'refused' }
  }
  const risk = await risksOfDevice(session, deviceHash, deps)
  if (!(await deps.sessions.read(session.sid, deps.now()))) return { kind: 'ended' }
  const spareOthers = risk.includes('new_device')
  const totp = { secret, step, epoch: session.epoch, spareOthers }
  const epoch = await deps.users.enableTotp(user.id, totp, new Date(deps.now()), originOf(asking))
  if (epoch === undefined) return afterAll(session, deps)
  deps.emit({ ...fields, ...riskField(risk), outcome: 'enabled' })
  if (!spareOthers) await endOthers(session, { epoch, reason: 'factor_changed' }, deps)
  await deps.throttle.clear(rules.map((rule) => rule.key))
  return { kind: 'enabled' }
}

/** Disables the authenticator and ends the other sessions. */
export async function disableTotp(
  asking: Asking,
  deps: EnrolDeps,
): Promise<{ kind: 'disabled' | 'nothing-offered' } | Barred> {
  const { session, deviceHash } = asking
  const changer = await changerOf(asking, deps)
  if (changer.kind !== 'user') return changer
  const risk = await risksOfDevice(session, deviceHash, deps)
  if (!(await deps.sessions.read(session.sid, deps.now()))) return { kind: 'ended' }
  const epoch = await deps.users.disableTotp(session.userId, session.epoch, new Date(deps.now()), originOf(asking))
  if (epoch === undefined) return afterAll(session, deps)
  deps.emit({ ...fieldsOf(asking), ...riskField(risk), outcome: 'disabled', level: 'warn' })
  await endOthers(session, { epoch, reason: 'factor_changed' }, deps)
  return { kind: 'disabled' }
}

/** Why the store refused a change: the sessions of the user had ended, or a concurrent change came first. */
async function afterAll(session: LiveSession, deps: EnrolDeps): Promise<{ kind: 'nothing-offered' | 'ended' }> {
  const user = await deps.users.findById(session.userId)
  return { kind: user?.epoch === session.epoch ? 'nothing-offered' : 'ended' }
}
