import { randomBytes } from 'node:crypto'
import { isMailAddress } from '../../shared/auth/mail-address.ts'
import { networkOf } from '../../shared/client/address.ts'
import type { Client, ClientDeps } from '../../shared/client/client.ts'
import { describeDevice, loginHash } from '../../shared/client/device.ts'
import { requestFields, riskField } from '../../shared/client/event.ts'
import type { Emit, Event } from '../../shared/event.ts'
import type { BlockList, Registrations, Throttle, Users } from '../../shared/stores/port.ts'
import { confirmMail, takenMail } from '../notify/mails.ts'
import type { Notify } from '../notify/port.ts'
import type { Passwords } from '../passwords/passwords.ts'
import { secretHashOf } from './confirm.ts'
import { mailRules, registerRules } from './limits.ts'
import { readLogin } from './submitted.ts'
import { risksOfLogin } from './verdicts.ts'

export interface RegisterDeps extends ClientDeps {
  users: Pick<Users, 'findByEmail'>
  registrations: Pick<Registrations, 'add'>
  passwords: Pick<Passwords, 'hash' | 'weakness'>
  throttle: Pick<Throttle, 'reserve' | 'release'>
  blocks: Pick<BlockList, 'blockedBy'>
  notify: Notify
  webOrigin: string
  canaries: ReadonlySet<string>
  emit: Emit
  now: () => number
}

export type RegisterOutcome =
  /** `registration` is returned whatever the outcome. Together with the link it confirms the registration. */
  | { kind: 'accepted'; registration: string }
  | { kind: 'malformed' }
  | { kind: 'weak'; why: string }
  | { kind: 'throttled'; retryAfterSeconds: number }

type FailReason = Extract<Event, { evt: 'register'; outcome: 'fail' }>['reason']

/** How long a link works. */
const LINK_MS = 24 * 3_600_000

/**
 * Requests an account, which opens when the requester confirms its address. A free address, a taken one, one with a
 * pending request, and a blocked client have the same answer. The first three cost the same hash, the same statements
 * and one mail each, so registration does not reveal who is registered.
 * @throws ProblemError `unavailable` when the password queue is full; no throttle counts it
 * @see OWASP ASVS 6.3.8
 */
export async function register(
  submitted: { email: string; password: string },
  client: Client,
  deps: RegisterDeps,
): Promise<RegisterOutcome> {
  const typed = readLogin(submitted.email, client, deps)
  const fields = {
    ...requestFields(client, typed.deviceHash),
    ...typed.fields,
    ...riskField(risksOfLogin(typed, deps)),
    evt: 'register' as const,
  }
  const isBlocked = async () => (await deps.blocks.blockedBy(networkOf(client.ip), deps.now())) !== undefined
  let blocked = await isBlocked()
  const fail = (reason: FailReason) => deps.emit({ ...fields, outcome: 'fail', reason: blocked ? 'blocked' : reason })

  const rules = registerRules(client.ip)
  const refusal = await deps.throttle.reserve(rules)
  if (refusal) {
    fail('throttled')
    return { kind: 'throttled', ...refusal }
  }
  if (typed.email === undefined || !isMailAddress(typed.email)) {
    fail('malformed')
    return { kind: 'malformed' }
  }
  const sender = { ip: client.ip, trusted: false }
  const unlessBusy = async (error: unknown): Promise<never> => {
    await deps.throttle.release(rules.map((rule) => rule.key))
    fail('busy')
    throw error
  }
  const why = await deps.passwords.weakness(submitted.password, typed.email, sender).catch(unlessBusy)
  if (why !== undefined) {
    fail('weak_password')
    return { kind: 'weak', why }
  }
  const passwordHash = await deps.passwords.hash(submitted.password, sender).catch(unlessBusy)
  // Checked again after the slow step: the network may have been blocked meanwhile.
  blocked ||= await isBlocked()
  const registration = randomBytes(16).toString('base64url')
  if (blocked) {
    fail('blocked')
    return { kind: 'accepted', registration }
  }
  const asked = { email: typed.email, passwordHash, registrationHash: secretHashOf(registration) }
  const isTaken = await keepAndNotify(asked, client, deps)
  if (isTaken) fail('existing')
  else deps.emit({ ...fields, outcome: 'pending' })
  return { kind: 'accepted', registration }
}

/** @returns whether the address has an account; only its owner learns it */
async function keepAndNotify(
  asked: { email: string; passwordHash: string; registrationHash: string },
  client: Client,
  deps: RegisterDeps,
): Promise<boolean> {
  const { email } = asked
  const hashes = { address: hashOf(email, deps), mailbox: hashOf(mailboxOf(email), deps) }
  const isTaken = (await deps.users.findByEmail(email)) !== undefined
  const isWithheld = (await deps.throttle.reserve(mailRules(client.ip, hashes))) !== undefined
  const at = deps.now()
  const token = randomBytes(32).toString('base64url')
  const tokenHash = isTaken || isWithheld ? undefined : secretHashOf(token)
  await deps.registrations.add({ ...asked, tokenHash, expiresAt: new Date(at + LINK_MS) }, new Date(at))
  if (!isWithheld) {
    const from = { webOrigin: deps.webOrigin, ip: client.ip, device: describeDevice(client.userAgent), at }
    deps.notify(isTaken ? takenMail(email, from) : confirmMail(email, token, from))
  }
  return isTaken
}

const hashOf = (email: string, deps: ClientDeps): string => loginHash(email, deps.deviceKeys[0])

/** The mailbox of an address: most providers deliver `name+tag` to `name`. @see RFC 5233 */
const mailboxOf = (email: string): string => email.replace(/\+[^@]*/, '')
