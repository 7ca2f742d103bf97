import { randomUUID } from 'node:crypto'
import { networkOf } from '../client/address.ts'
import type { Client, ClientDeps } from '../client/client.ts'
import { requestFields, riskField } from '../client/event.ts'
import type { Emit, Event } from '../event.ts'
import type { BlockList, Throttle, Users } from '../stores/port.ts'
import { registerRules } from './limits.ts'
import { weakness } from './password-policy.ts'
import type { Passwords } from './passwords.ts'
import { readLogin } from './submitted.ts'
import { risksOfLogin } from './verdicts.ts'

export interface RegisterDeps extends ClientDeps {
  users: Pick<Users, 'create'>
  passwords: Pick<Passwords, 'hash'>
  throttle: Pick<Throttle, 'reserve' | 'release'>
  blocks: Pick<BlockList, 'blockedBy'>
  canaries: ReadonlySet<string>
  emit: Emit
  now: () => number
}

export type RegisterOutcome =
  | { kind: 'accepted' }
  | { kind: 'malformed' }
  | { kind: 'weak'; why: string }
  | { kind: 'throttled'; retryAfterSeconds: number }

type FailReason = Extract<Event, { evt: 'register'; outcome: 'fail' }>['reason']

/**
 * Opens an account. An address that is taken, and a client that is blocked, are answered like a new account and cost
 * the same hash: registration tells nobody who is registered. @see OWASP ASVS 6.3.8
 * @throws ProblemError `unavailable` when the password queue is full: counted by no throttle
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
  if (typed.email === undefined) {
    fail('malformed')
    return { kind: 'malformed' }
  }
  const why = weakness(submitted.password, typed.email)
  if (why !== undefined) {
    fail('weak_password')
    return { kind: 'weak', why }
  }
  const passwordHash = await deps.passwords.hash(submitted.password).catch(async (error: unknown) => {
    await deps.throttle.release(rules.map((rule) => rule.key))
    fail('busy')
    throw error
  })
  // Asked again after the slow step: the network may have been blocked meanwhile.
  blocked ||= await isBlocked()
  if (blocked) {
    fail('blocked')
    return { kind: 'accepted' }
  }
  const id = randomUUID()
  if ((await deps.users.create({ id, email: typed.email, passwordHash }, new Date(deps.now()))) === 'existing') {
    fail('existing')
  } else {
    deps.emit({ ...fields, outcome: 'success', usr: { id } })
  }
  return { kind: 'accepted' }
}
