import { randomBytes } from 'node:crypto'
import type { Client, ClientDeps } from '../../shared/client/client.ts'
import { requestFields, riskField } from '../../shared/client/event.ts'
import type { Event, Risk } from '../../shared/event.ts'
import { type IssueDeps, type IssuedToken, issueSession } from '../../shared/session/issue.ts'
import type {
  BlockList,
  PendingMfas,
  RecentSignIns,
  Throttle,
  ThrottleRule,
  User,
  Users,
} from '../../shared/stores/port.ts'
import { isBusy } from '../passwords/busy.ts'
import type { Sender } from '../passwords/fair-queue.ts'
import type { Passwords } from '../passwords/passwords.ts'
import { loginRules, MFA_PENDING_SECONDS, rightSignInRules } from './limits.ts'
import type { RecentSignInDeps } from './recent-sign-in.ts'
import {
  type DeviceFields,
  holdsToken,
  isBlocked,
  isKnown,
  type Recognition,
  recognise,
  recordDevice,
  type SignInDeviceDeps,
  signInRecord,
} from './sign-in-device.ts'
import { readLogin, type SubmittedLogin } from './submitted.ts'
import { judgeTry, type Try, type VerdictDeps } from './verdicts.ts'

export interface LoginDeps extends ClientDeps, IssueDeps, VerdictDeps, RecentSignInDeps, SignInDeviceDeps {
  recentSignIns: RecentSignIns
  users: Pick<Users, 'findByEmail' | 'findById' | 'readEpoch' | 'rehash' | 'expectDeviceTokens'>
  passwords: Passwords
  throttle: Throttle
  blocks: Pick<BlockList, 'blockedBy'>
  pendingMfas: Pick<PendingMfas, 'create' | 'consume'>
}

export type LoginOutcome =
  | ({ kind: 'issued'; deviceToken?: string | undefined } & IssuedToken)
  | { kind: 'challenge'; mfaToken: string }
  | { kind: 'refused' }
  | { kind: 'throttled'; retryAfterSeconds: number }

type FailReason = Extract<Event, { evt: 'login'; outcome: 'fail' }>['reason']

/**
 * Signs a person in: one attempt, one event, whatever its outcome. To a stranger unknown, wrong, throttled and
 * blocked have the same answer and cost the same hash. Only a device with a token of this account learns how long to
 * wait. A block, or a revocation of all sessions, that comes while the password is checked counts as if it had come
 * before. If the password queue is full, no throttle and no verdict counts the attempt, because the client is not at
 * fault.
 * @throws ProblemError `unavailable` when the password queue is full
 */
export async function login(
  submitted: { email: string; password: string } & DeviceFields,
  client: Client,
  deps: LoginDeps,
): Promise<LoginOutcome> {
  const begunAt = deps.now()
  const typed = readLogin(submitted.email, client, deps)
  const user = typed.email === undefined ? undefined : await deps.users.findByEmail(typed.email)
  const recognition = await recognise(submitted, user?.id, deps)
  const { holder } = recognition
  const tried: Try = { typed, password: submitted.password, trusted: holder !== undefined, client }
  let blocked = await isBlocked(client, () => holder !== undefined, deps)
  const blockedNow = () => isBlocked(client, () => holdsToken(submitted, user?.id, deps), deps)
  const fail = async (reason: FailReason) => {
    const failed = reason === 'wrong_password' || reason === 'unknown_user'
    const risk = reason === 'busy' ? [] : await judgeTry(tried, failed ? 'failed' : 'refused', deps)
    emitFailure(typed, user, client, { reason, risk }, deps)
    return { kind: 'refused' } as const
  }

  const rules = blocked ? [] : loginRules(client.ip, typed.loginHash, holder?.lineage)
  const refusal = await deps.throttle.reserve(rules)
  if (refusal && holder) {
    await fail('throttled')
    return { kind: 'throttled', ...refusal }
  }
  const sender = { ip: client.ip, trusted: holder !== undefined }
  const check = await deps.passwords
    .check(submitted.password, user?.passwordHash, sender)
    .catch(async (error: unknown) => {
      if (!refusal) await deps.throttle.release(keysOf(rules))
      await fail(blocked ? 'blocked' : refusal ? 'throttled' : 'busy')
      throw error
    })
  blocked ||= await blockedNow()
  if (blocked) return fail('blocked')
  if (refusal) return fail('throttled')
  if (!user) return fail('unknown_user')
  if (!check.matches) return fail('wrong_password')

  const excess = await deps.throttle.exchange(keysOf(rules), rightSignInRules(typed.loginHash, holder?.lineage))
  if (excess) {
    await fail('throttled')
    return holder ? { kind: 'throttled', ...excess } : { kind: 'refused' }
  }
  const risk = await judgeTry(tried, 'right', deps)
  if (check.outdated) await renewHash(user, submitted.password, sender, deps)
  const asks = submitted.rememberDevice === true
  const proved: Proved = { begunAt, user, typed, client, recognition, risk, blockedNow, asks }
  return (user.totp?.enabled ? challenge(proved, deps) : finish(proved, deps)).catch((error: unknown) => {
    // A failing store is our fault, and the attempt still has its event.
    emitFailure(typed, user, client, { reason: 'busy', risk: [] }, deps)
    throw error
  })
}

const keysOf = (rules: readonly ThrottleRule[]) => rules.map((rule) => rule.key)

/** Skipped if the queue is full; the next sign-in does it. */
async function renewHash(user: User, password: string, sender: Sender, { users, passwords }: LoginDeps): Promise<void> {
  const hash = await passwords.hash(password, sender).catch((error: unknown) => {
    if (isBusy(error)) return undefined
    throw error
  })
  if (hash !== undefined) await users.rehash(user.id, user.passwordHash, hash)
}

/** An attempt whose password was right. */
interface Proved extends Pick<Try, 'typed' | 'client'> {
  /** epoch ms, before the epoch of the user was read. */
  begunAt: number
  user: User
  recognition: Recognition
  risk: readonly Risk[]
  /** Whether the device asks for a token. */
  asks: boolean
  blockedNow: () => Promise<boolean>
}

async function challenge(proved: Proved, deps: LoginDeps): Promise<LoginOutcome> {
  const { begunAt, user, typed, client, recognition, risk } = proved
  const mfaToken = randomBytes(32).toString('base64url')
  const { deviceHash } = typed
  const pending = { userId: user.id, epoch: user.epoch, begunAt, deviceHash, loginEmail: user.email, risk }
  await deps.pendingMfas.create(mfaToken, pending, MFA_PENDING_SECONDS)
  const known = await isKnown({ user, deviceHash, ...recognition }, deps)
  const [epoch, blocked] = await Promise.all([deps.users.readEpoch(user.id), proved.blockedNow()])
  if (blocked || epoch !== user.epoch) {
    await deps.pendingMfas.consume(mfaToken)
    emitFailure(typed, user, client, { reason: blocked ? 'blocked' : 'wrong_password', risk }, deps)
    return { kind: 'refused' }
  }
  deps.emit({
    ...attemptFields(typed, client),
    ...riskField(risk),
    outcome: 'challenge',
    usr: { id: user.id },
    device_known: known,
  })
  return { kind: 'challenge', mfaToken }
}

async function finish(proved: Proved, deps: LoginDeps): Promise<LoginOutcome> {
  const { begunAt, user, typed, client, recognition, risk } = proved
  const { deviceHash } = typed
  const device = await recordDevice({ user, deviceHash, ...recognition }, proved.asks, deps)
  let blocked = false
  const stillAllowed = async () => {
    blocked = await proved.blockedNow()
    return !blocked
  }
  const { newDeviceSince } = device
  const recordSignIn = signInRecord(device, user.id, risk, client, deps)
  const who = {
    userId: user.id,
    epoch: user.epoch,
    begunAt,
    amr: ['pwd'] as const,
    risk,
    newDeviceSince,
    recordSignIn,
    stillAllowed,
  }
  const issued = await issueSession(who, { client, deviceHash }, deps).catch(async (error: unknown) => {
    await device.undo()
    throw error
  })
  if (!issued) {
    // The network was blocked, or every session of the user revoked, while the new session was written. It was
    // withdrawn.
    await device.undo()
    emitFailure(typed, user, client, { reason: blocked ? 'blocked' : 'wrong_password', risk }, deps)
    return { kind: 'refused' }
  }
  const deviceToken = await device.confirm(issued.risk)
  deps.emit({
    ...attemptFields(typed, client),
    ...riskField([...(device.isNew ? ['new_device' as const] : []), ...issued.risk]),
    outcome: 'success',
    usr: { id: user.id },
    sid: issued.sid,
    device_known: device.known,
  })
  return { kind: 'issued', ...issued, deviceToken }
}

function emitFailure(
  typed: SubmittedLogin,
  user: User | undefined,
  client: Client,
  { reason, risk }: { reason: FailReason; risk: readonly Risk[] },
  deps: LoginDeps,
) {
  deps.emit({
    ...attemptFields(typed, client),
    ...riskField(risk),
    outcome: 'fail',
    reason,
    usr: user ? { id: user.id, exists: true } : { exists: false },
  })
}

/** The fields of every event of one attempt. */
const attemptFields = (typed: SubmittedLogin, client: Client) => ({
  ...requestFields(client, typed.deviceHash),
  ...typed.fields,
  ...(client.hintsHash === undefined ? {} : { hints_hash: client.hintsHash }),
  evt: 'login' as const,
})
