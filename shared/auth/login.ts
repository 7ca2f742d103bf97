import { randomBytes } from 'node:crypto'
import { networkOf } from '../client/address.ts'
import type { Client, ClientDeps } from '../client/client.ts'
import { requestFields, riskField } from '../client/event.ts'
import type { Event, Risk } from '../event.ts'
import { type IssueDeps, type IssuedToken, issueSession } from '../session/issue.ts'
import type { BlockList, Entrances, KnownDevices, PendingMfas, Throttle, User, Users } from '../stores/port.ts'
import { isBusy } from './busy.ts'
import { isDecoyDevice } from './decoy.ts'
import { type EntranceDeps, entranceOf } from './entrance.ts'
import { loginRules, MFA_PENDING_SECONDS } from './limits.ts'
import type { Passwords } from './passwords.ts'
import { readLogin, type SubmittedLogin } from './submitted.ts'
import { judgeTry, type Try, type VerdictDeps } from './verdicts.ts'

export interface LoginDeps extends ClientDeps, IssueDeps, VerdictDeps, EntranceDeps {
  entrances: Entrances
  users: Pick<Users, 'findByEmail' | 'readEpoch' | 'rehash'>
  passwords: Passwords
  throttle: Throttle
  blocks: Pick<BlockList, 'blockedBy'>
  devices: KnownDevices
  pendingMfas: Pick<PendingMfas, 'create'>
}

export type LoginOutcome =
  | ({ kind: 'issued' } & IssuedToken)
  | { kind: 'challenge'; mfaToken: string }
  | { kind: 'refused' }
  | { kind: 'throttled'; retryAfterSeconds: number }

type FailReason = Extract<Event, { evt: 'login'; outcome: 'fail' }>['reason']

/** No account has this id, so no device is known to it. @see RFC 9562 5.9 */
const NOBODY = '00000000-0000-0000-0000-000000000000'

/**
 * Signs a person in: one attempt, one event, whatever becomes of it. Unknown, wrong and blocked answer alike and cost
 * the same hash; a throttled attempt costs none. One that finds the password queue full is no failure of its client: it
 * is counted by no throttle and no verdict.
 * @throws ProblemError `unavailable` when the password queue is full
 */
export async function login(
  submitted: { email: string; password: string },
  client: Client,
  deps: LoginDeps,
): Promise<LoginOutcome> {
  const typed = readLogin(submitted.email, client, deps)
  const user = typed.email === undefined ? undefined : await deps.users.findByEmail(typed.email)
  // Asked for nobody as well: an account that exists must not take longer to be refused.
  const remembered = await deps.devices.find(user?.id ?? NOBODY, typed.deviceHash)
  const deviceKnown = user
    ? remembered !== undefined
    : isDecoyDevice(typed.loginHash, typed.deviceHash, deps.deviceKeys[0])
  const tried: Try = { typed, password: submitted.password, deviceKnown, client }
  const fail = async (reason: FailReason) => {
    const failed = reason === 'wrong_password' || reason === 'unknown_user'
    const risk = await judgeTry(tried, failed ? 'failed' : 'refused', deps)
    emitFailure(typed, user, client, { reason, risk }, deps)
  }

  // A block spares devices that the account knows: people behind the attacker's address must get in.
  const blocked = !deviceKnown && (await deps.blocks.blockedBy(networkOf(client.ip), deps.now())) !== undefined
  const rules = loginRules(client.ip, typed.loginHash, deviceKnown ? typed.deviceHash : undefined)
  const refusal = await deps.throttle.reserve(rules)
  if (refusal) {
    await fail(blocked ? 'blocked' : 'throttled')
    return blocked ? { kind: 'refused' } : { kind: 'throttled', ...refusal }
  }

  const check = await deps.passwords.check(submitted.password, user?.passwordHash).catch(async (error: unknown) => {
    await deps.throttle.release(rules.map((rule) => rule.key))
    if (blocked) await fail('blocked')
    else emitFailure(typed, user, client, { reason: 'busy', risk: [] }, deps)
    throw error
  })
  if (blocked || !user || !check.matches) {
    await fail(blocked ? 'blocked' : user ? 'wrong_password' : 'unknown_user')
    return { kind: 'refused' }
  }
  const [risk] = await Promise.all([
    judgeTry(tried, 'right', deps),
    deps.throttle.release(rules.map((rule) => rule.key)),
  ])
  if (check.outdated) await renewHash(user, submitted.password, deps)
  return (user.totp?.enabled ? challenge : finish)(user, { typed, deviceKnown, client, risk }, deps)
}

/** The next sign-in does what a full queue does not allow now. */
async function renewHash(user: User, password: string, { users, passwords }: LoginDeps): Promise<void> {
  const hash = await passwords.hash(password).catch((error: unknown) => {
    if (isBusy(error)) return undefined
    throw error
  })
  if (hash !== undefined) await users.rehash(user.id, user.passwordHash, hash)
}

/** A try whose password was right. */
type Proved = Pick<Try, 'typed' | 'deviceKnown' | 'client'> & { risk: readonly Risk[] }

async function challenge(user: User, proved: Proved, deps: LoginDeps): Promise<LoginOutcome> {
  const { typed, deviceKnown, client, risk } = proved
  const mfaToken = randomBytes(32).toString('base64url')
  const pending = { userId: user.id, epoch: user.epoch, deviceHash: typed.deviceHash, loginEmail: user.email, risk }
  await deps.pendingMfas.create(mfaToken, pending, MFA_PENDING_SECONDS)
  deps.emit({
    ...attemptFields(typed, client),
    ...riskField(risk),
    outcome: 'challenge',
    usr: { id: user.id },
    device_known: deviceKnown,
  })
  return { kind: 'challenge', mfaToken }
}

async function finish(user: User, proved: Proved, deps: LoginDeps): Promise<LoginOutcome> {
  const { typed, deviceKnown, client, risk } = proved
  const odd = risk.length > 0
  const announce = deviceKnown ? undefined : entranceOf({ userId: user.id, odd }, client, deps)
  const who = { userId: user.id, epoch: user.epoch, amr: ['pwd'] as const, risk, announce }
  const issued = await issueSession(who, client, typed.deviceHash, deps)
  if (!issued) {
    // Every session of the user was revoked while the password was checked; the new one went with them.
    emitFailure(typed, user, client, { reason: 'wrong_password', risk }, deps)
    return { kind: 'refused' }
  }
  const met = deviceKnown ? undefined : await deps.devices.remember(user.id, typed.deviceHash, new Date(deps.now()))
  const isNew = met?.isNew === true && !met.isFirst
  deps.emit({
    ...attemptFields(typed, client),
    ...riskField([...(isNew ? ['new_device' as const] : []), ...issued.risk]),
    outcome: 'success',
    usr: { id: user.id },
    sid: issued.sid,
    device_known: !met?.isNew,
  })
  return { kind: 'issued', ...issued }
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

/** What every event of one attempt says, whatever became of it. */
const attemptFields = (typed: SubmittedLogin, client: Client) => ({
  ...requestFields(client, typed.deviceHash),
  ...typed.fields,
  ...(client.hintsHash === undefined ? {} : { hints_hash: client.hintsHash }),
  evt: 'login' as const,
})
