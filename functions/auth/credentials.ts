import { type DeviceTokenKeys, findDeviceToken } from '../../shared/auth/device-token.ts'
import { type Actor, type Client, type ClientDeps, originOf } from '../../shared/client/client.ts'
import { actorFields, riskField } from '../../shared/client/event.ts'
import type { Risk } from '../../shared/event.ts'
import { type EndAllDeps, endOthers, logout } from '../../shared/session/end.ts'
import { type Authenticated, type IssueDeps, type IssuedToken, issueSession } from '../../shared/session/issue.ts'
import { recentlyAuthenticated } from '../../shared/session/policy.ts'
import type { Asking } from '../../shared/session/present.ts'
import type {
  DeviceTokens,
  LedgerSession,
  LiveSession,
  LiveSessions,
  SessionLedger,
  User,
  Users,
} from '../../shared/stores/port.ts'
import { isBusy } from '../passwords/busy.ts'
import type { Sender } from '../passwords/fair-queue.ts'
import type { Passwords } from '../passwords/passwords.ts'
import { reauthRules, rightProofRules } from './limits.ts'
import { type CodeDeps, checkCode, giveBack } from './mfa.ts'
import { type DeviceDeps, risksOfDevice } from './new-device.ts'
import { isSettled, type RecentSignInDeps, recordSignIn } from './recent-sign-in.ts'
import { readLogin } from './submitted.ts'
import { judgeTry, type Try, type VerdictDeps } from './verdicts.ts'

export interface CredentialDeps
  extends ClientDeps,
    Omit<IssueDeps, 'warn'>,
    EndAllDeps,
    CodeDeps,
    DeviceDeps,
    VerdictDeps {
  recentSignIns: RecentSignInDeps['recentSignIns'] & VerdictDeps['recentSignIns']
  deviceTokens: Pick<DeviceTokens, 'revokeAll'>
  deviceTokenKeys: DeviceTokenKeys
  users: Pick<Users, 'findById' | 'readEpoch' | 'changePassword' | 'acceptTotpStep' | 'releaseTotpStep'>
  passwords: Passwords
  sessions: EndAllDeps['sessions'] & Pick<LiveSessions, 'create' | 'end' | 'read'>
  ledger: Pick<SessionLedger, 'open' | 'close' | 'find'>
}

export type CredentialOutcome =
  | ({ kind: 'issued' } & IssuedToken)
  | { kind: 'refused' }
  | { kind: 'code-refused' }
  /** The session, or every session of its user, has ended, possibly while the password was checked. */
  | { kind: 'ended' }
  /** The session must be re-authenticated first, with a code. */
  | { kind: 'step-up' }
  | { kind: 'weak'; why: string }
  | { kind: 'throttled'; retryAfterSeconds: number }

/**
 * Re-authenticates the holder of a session: password, and code if a factor is enabled. A new session replaces the old
 * one, so that a copy of the old token becomes useless.
 * @see OWASP ASVS 7.2.4
 */
export async function reauthenticate(
  asking: Asking,
  submitted: { password: string; code?: string | undefined },
  deps: CredentialDeps,
): Promise<CredentialOutcome> {
  const { session, client, deviceHash } = asking
  const user = await ownerOf(session, deps)
  if (!user) return { kind: 'ended' }
  const risk = await risksOfDevice(session, deviceHash, deps)
  const about = { ...actorFields(asking), usr: { id: user.id }, sid: session.sid }
  const proof = await provePassword(session, user, submitted.password, client, deps)
  if (proof.kind !== 'proved') {
    // A thief may guess in a stolen session as well as at the sign-in, so guesses here must be visible.
    const failed = { evt: 'credential', outcome: 'fail', action: 'reauthenticated' } as const
    deps.emit({ ...about, ...riskField(risk), ...failed, login_hash: proof.loginHash, reason: REASONS[proof.kind] })
    return outcomeOf(proof)
  }
  const hasFactor = user.totp?.enabled ?? false
  const verdict = hasFactor ? await checkCode(user, submitted.code ?? '', deps) : undefined
  if (verdict !== undefined) {
    const fields = { ...about, evt: 'mfa' as const }
    if (typeof verdict === 'string') {
      deps.emit({ ...fields, outcome: 'fail', action: 'reauthenticated', reason: verdict })
      return { kind: 'code-refused' }
    }
    deps.emit({ ...fields, ...riskField(risk), outcome: 'success' })
  }
  const amr = hasFactor ? (['pwd', 'otp'] as const) : (['pwd'] as const)
  const who = { userId: user.id, epoch: user.epoch, amr, acr: 're-authenticated', risk: proof.risk } as const
  const goOn = async (): Promise<CredentialOutcome> =>
    (await isLive(session, deps)) ? replaceSession(session, who, 'reauthentication', asking, deps) : { kind: 'ended' }
  return verdict === undefined ? goOn() : goOn().catch(giveBack(verdict, deps))
}

/** A change that changes nothing must not be called one: its owner believes that a leaked password is out of use. */
const SAME = 'This is your present password. Choose another one.'

/**
 * Sets a new password, ends every other session and revokes the tokens of every other device. This session continues
 * under a new sid. If a second factor is enabled, it must have been given recently, and the session keeps its age:
 * the password alone must not open what needs both factors.
 * @see OWASP ASVS 7.4.3
 */
export async function changePassword(
  asking: Asking,
  submitted: { current: string; next: string; deviceToken?: string | undefined },
  deps: CredentialDeps,
): Promise<CredentialOutcome> {
  const { session, client, deviceHash } = asking
  const user = await ownerOf(session, deps)
  if (!user) return { kind: 'ended' }
  const dropTotp = isDoubtful(user, session)
  const hasFactor = (user.totp?.enabled ?? false) && !dropTotp
  const proved = session.amr.includes('otp') && recentlyAuthenticated(session, deps.now())
  const fields = {
    ...actorFields(asking),
    ...riskField(await risksOfDevice(session, deviceHash, deps)),
    evt: 'credential' as const,
    action: 'password_changed' as const,
    usr: { id: session.userId },
    sid: session.sid,
    login_hash: readLogin(user.email, client, deps).loginHash,
  }
  if (hasFactor && !proved) {
    deps.emit({ ...fields, outcome: 'fail', reason: 'step_up' })
    return { kind: 'step-up' }
  }
  const proof = await provePassword(session, user, submitted.current, client, deps)
  if (proof.kind !== 'proved') {
    deps.emit({ ...fields, outcome: 'fail', reason: REASONS[proof.kind] })
    return outcomeOf(proof)
  }
  const sender = senderOf(client)
  const unlessBusy = (error: unknown): never => {
    if (isBusy(error)) deps.emit({ ...fields, outcome: 'fail', reason: 'busy' })
    throw error
  }
  const why =
    submitted.next === submitted.current
      ? SAME
      : await deps.passwords.weakness(submitted.next, user.email, sender).catch(unlessBusy)
  if (why !== undefined) {
    deps.emit({ ...fields, outcome: 'fail', reason: 'weak_password' })
    return { kind: 'weak', why }
  }
  const hash = await deps.passwords.hash(submitted.next, sender).catch(unlessBusy)
  if (!(await isLive(session, deps))) return { kind: 'ended' }
  const from = { hash: user.passwordHash, epoch: session.epoch, dropTotp }
  const epoch = await deps.users.changePassword(user.id, from, hash, new Date(deps.now()), originOf(asking))
  if (epoch === undefined) {
    deps.emit({ ...fields, outcome: 'fail' })
    return (await ownerOf(session, deps)) ? { kind: 'refused' } : { kind: 'ended' }
  }
  // Emitted now, because the change is final whatever fails later. The event names the asking session: an alert may
  // come before the new session has a row, and a revocation of the old session ends the new one too.
  deps.emit({ ...fields, outcome: 'success' })
  if (dropTotp) {
    const { login_hash: _, action: __, ...about } = fields
    deps.emit({ ...about, evt: 'mfa', outcome: 'disabled', level: 'warn' })
  }
  const kept = findDeviceToken(submitted.deviceToken, user.id, deps.deviceTokenKeys)
  const [goesOn] = await Promise.all([
    endOthers(session, { epoch, reason: 'password_changed' }, deps),
    deps.deviceTokens.revokeAll(user.id, kept?.id),
  ])
  if (!goesOn) return { kind: 'ended' }
  const { amr, acr } = session
  const authTime = hasFactor ? session.authTime : undefined
  const who = { userId: user.id, epoch, amr, acr, authTime, risk: proof.risk }
  return replaceSession({ ...session, epoch }, who, 'password_change', asking, deps)
}

/**
 * Whether this session is older than a second factor that a new device enabled. The factor may then be a thief's, and
 * the holder of the older session removes it with the password.
 */
const isDoubtful = ({ totp }: User, { createdAt }: LiveSession): boolean =>
  totp?.enabled === true && totp.doubtfulSince !== undefined && createdAt < totp.doubtfulSince

/** @returns undefined if every session of the user has ended since this one was issued, or there is no such user */
async function ownerOf({ userId, epoch }: LiveSession, deps: CredentialDeps): Promise<User | undefined> {
  const user = await deps.users.findById(userId)
  return user?.epoch === epoch ? user : undefined
}

/** Checked after each slow step: a session that ended meanwhile gets nothing and changes nothing. */
const isLive = async ({ sid }: LiveSession, deps: CredentialDeps): Promise<boolean> =>
  (await deps.sessions.read(sid, deps.now())) !== undefined

type Refusal = Extract<CredentialOutcome, { kind: 'refused' | 'throttled' }>
type Unproved = Refusal | { kind: 'busy'; error: unknown }
const REASONS = { refused: 'wrong_password', throttled: 'throttled', busy: 'busy' } as const

/** @throws ProblemError `unavailable` if the password could not be checked */
function outcomeOf(proof: Unproved): Refusal {
  if (proof.kind === 'busy') throw proof.error
  return proof.kind === 'throttled'
    ? { kind: 'throttled', retryAfterSeconds: proof.retryAfterSeconds }
    : { kind: 'refused' }
}

const senderOf = ({ ip }: Client): Sender => ({ ip, trusted: false })

/** A guess inside a session is a guess at the account, so it is limited, counted and judged like a sign-in. */
async function provePassword(
  session: LiveSession,
  user: User,
  password: string,
  client: Client,
  deps: CredentialDeps,
): Promise<{ loginHash: string } & ({ kind: 'proved'; risk: Risk[] } | Unproved)> {
  const typed = readLogin(user.email, client, deps)
  const { loginHash } = typed
  const tried: Try = { typed, password, trusted: false, client }
  const rules = reauthRules(session, recentlyAuthenticated(session, deps.now()))
  const keys = rules.map((rule) => rule.key)
  const refusal = await deps.throttle.reserve(rules)
  if (refusal) {
    await judgeTry(tried, 'refused', deps)
    return { kind: 'throttled', loginHash, ...refusal }
  }
  const check = await deps.passwords
    .check(password, user.passwordHash, senderOf(client))
    .catch(async (error: unknown) => {
      await deps.throttle.release(keys)
      return { kind: 'busy' as const, error }
    })
  if ('kind' in check) return { ...check, loginHash }
  if (!check.matches) {
    await judgeTry(tried, 'failed', deps)
    return { kind: 'refused', loginHash }
  }
  const excess = await deps.throttle.reserve(rightProofRules(session.userId))
  const [risk] = await Promise.all([judgeTry(tried, 'right', deps), deps.throttle.release(keys)])
  if (excess) return { kind: 'throttled', loginHash, ...excess }
  return { kind: 'proved', loginHash, risk }
}

/**
 * Continues the session under a new sid, or not at all: if the old session ended meanwhile, the new one is withdrawn.
 * A later revocation of the old session revokes the new one.
 */
async function replaceSession(
  session: LiveSession,
  who: Authenticated,
  begunBy: LedgerSession['begunBy'],
  actor: Actor,
  deps: CredentialDeps,
): Promise<CredentialOutcome> {
  const { client } = actor
  // A re-authentication proves nothing new, so the verdicts on the first sign-in stay.
  const risk = [...new Set([...(session.risk ?? []), ...(who.risk ?? [])])]
  // The new session keeps the age of the old one: whatever ends a session of an attack must end its successor too.
  const signIn = { userId: who.userId, odd: risk.length > 0 }
  const isOld = isSettled(session.createdAt, deps.now())
  const { newDeviceSince, begunAt = session.createdAt } = session
  const going = {
    ...who,
    risk,
    newDeviceSince,
    begunAt,
    going: { continues: session.sid, begunBy },
    recordSignIn: isOld ? undefined : recordSignIn(signIn, client, deps),
    stillAllowed: () => isLive(session, deps),
  }
  const issued = await issueSession(going, actor, deps)
  const until = deps.now() + deps.absoluteSeconds * 1000
  const ended = await logout(session, actor, deps, issued && { sid: issued.sid, until })
  if (issued && ended) return { kind: 'issued', ...issued }
  if (issued) await logout({ sid: issued.sid, userId: who.userId }, actor, deps)
  return { kind: 'ended' }
}
