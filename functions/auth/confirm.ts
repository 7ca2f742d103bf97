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

/** The link, and one proof that its user is the person who registered. */
export interface Confirmation {
  token: string
  /** The secret in the answer to the registration. */
  registration?: string | undefined
  /** The password that was registered. */
  password?: string | undefined
}

export type ConfirmOutcome =
  | { kind: 'confirmed'; email: string }
  /**
   * One kind for all causes, so that guessing reveals nothing: unknown, used, expired, no proof, or the address has
   * an account by now.
   */
  | { kind: 'refused' }
  | { kind: 'throttled'; retryAfterSeconds: number }

type FailReason = Extract<Event, { evt: 'register'; outcome: 'fail' }>['reason']

const TOKEN = /^[A-Za-z0-9_-]{43}$/
/** The hash of no link: the same statements run for it. */
const NO_TOKEN = ''

/** The stored form of a random secret: with 128 bits or more it needs neither salt nor stretching. */
export const secretHashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/**
 * Opens the account of a link with the password of its registration. The link proves the address, and the proof shows
 * that the same person registered. Without the proof, an owner who follows a link that a stranger requested would
 * open an account with the password of the stranger. A wrong proof does not use up the link. After one link was used,
 * every other link of the address is void.
 * @throws ProblemError `unavailable` when the password queue is full; this counts neither in a throttle nor as an
 * attempt at the link
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
  // Checked again after the slow step: the network may have been blocked meanwhile.
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

/** The hash costs the same whether or not the link is known and has attempts left. */
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
