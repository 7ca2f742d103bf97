import { createHash, randomUUID } from 'node:crypto'
import { networkOf } from '../../shared/client/address.ts'
import { actorOf, type Client, type ClientDeps } from '../../shared/client/client.ts'
import { actorFields, riskField } from '../../shared/client/event.ts'
import type { Emit, Event } from '../../shared/event.ts'
import type { BlockList, RegistrantProof, Registrations, Throttle } from '../../shared/stores/port.ts'
import type { Passwords } from '../passwords/passwords.ts'
import { confirmRules, REGISTRATION_TRIES } from './limits.ts'
import { readLogin } from './submitted.ts'
import { risksOfLogin } from './verdicts.ts'

export interface ConfirmDeps extends ClientDeps {
  registrations: Pick<Registrations, 'confirm' | 'tryPassword' | 'releaseTry'>
  passwords: Pick<Passwords, 'check'>
  throttle: Pick<Throttle, 'reserve' | 'release'>
  blocks: Pick<BlockList, 'blockedBy'>
  canaries: ReadonlySet<string>
  emit: Emit
  now: () => number
}

/** The link, and one proof that whoever uses it is who registered. */
export interface Confirmation {
  token: string
  /** What the registration was answered with. */
  registration?: string | undefined
  /** The password that was registered. */
  password?: string | undefined
}

export type ConfirmOutcome =
  | { kind: 'confirmed'; email: string }
  /** Unknown, used, expired, without its proof, or the address has an account by now: whoever guesses learns nothing. */
  | { kind: 'refused' }
  | { kind: 'throttled'; retryAfterSeconds: number }

type FailReason = Extract<Event, { evt: 'register'; outcome: 'fail' }>['reason']

const TOKEN = /^[A-Za-z0-9_-]{43}$/
/** Belongs to no link: the same statements run for it. */
const NO_TOKEN = ''

/** What a store holds of a random secret: 128 random bits and more need neither salt nor stretching. */
export const secretHashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/**
 * Opens the account that a link was sent for, with the password that was given when it was asked for. The link shows whose
 * the address is, and the proof that the same person registered: an owner who uses a link that somebody else asked for
 * would open an account with that person's password. A wrong proof does not use the link up. Every other link of the
 * address is void once one was used.
 * @throws ProblemError `unavailable` when the password queue is full: counted by no throttle, and no try at the link
 * @see Sudhodanan and Paverd, Pre-hijacked accounts (USENIX Security 2022)
 */
export async function confirm(given: Confirmation, client: Client, deps: ConfirmDeps): Promise<ConfirmOutcome> {
  const fields = { ...actorFields(actorOf(client, deps)), evt: 'register' as const }
  const isBlocked = async () => (await deps.blocks.blockedBy(networkOf(client.ip), deps.now())) !== undefined
  let blocked = await isBlocked()
  const fail = (reason: FailReason) => deps.emit({ ...fields, outcome: 'fail', reason: blocked ? 'blocked' : reason })

  const rules = confirmRules(client.ip)
  const refusal = await deps.throttle.reserve(rules)
  if (refusal) {
    fail('throttled')
    return { kind: 'throttled', ...refusal }
  }
  const tokenHash = secretHashOf(TOKEN.test(given.token) && !blocked ? given.token : NO_TOKEN)
  const proof = await proofOf(given, tokenHash, client, deps).catch(async (error: unknown) => {
    await deps.throttle.release(rules.map((rule) => rule.key))
    fail('busy')
    throw error
  })
  // Asked again after the slow step: the network may have been blocked meanwhile.
  blocked ||= await isBlocked()
  const account =
    proof && !blocked
      ? await deps.registrations.confirm(tokenHash, proof, randomUUID(), new Date(deps.now()))
      : undefined
  if (!account) {
    fail('bad_token')
    return { kind: 'refused' }
  }
  const typed = readLogin(account.email, client, deps)
  deps.emit({
    ...fields,
    ...typed.fields,
    ...riskField(risksOfLogin(typed, deps)),
    outcome: 'success',
    usr: { id: account.id },
  })
  return { kind: 'confirmed', email: account.email }
}

/** A password costs the same hash whether or not the link is known, and has tries left. */
async function proofOf(
  { registration, password }: Confirmation,
  tokenHash: string,
  client: Client,
  { registrations, passwords, now }: ConfirmDeps,
): Promise<RegistrantProof | undefined> {
  if (registration !== undefined) return { registrationHash: secretHashOf(registration) }
  if (password === undefined) return undefined
  const passwordHash = await registrations.tryPassword(tokenHash, REGISTRATION_TRIES, new Date(now()))
  const sender = { ip: client.ip, trusted: false }
  const { matches } = await passwords.check(password, passwordHash, sender).catch(async (error: unknown) => {
    if (passwordHash !== undefined) await registrations.releaseTry(tokenHash)
    throw error
  })
  return matches && passwordHash !== undefined ? { passwordHash } : undefined
}
