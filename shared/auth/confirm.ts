import { createHash, randomUUID } from 'node:crypto'
import { networkOf } from '../client/address.ts'
import { type Client, type ClientDeps, deviceOf } from '../client/client.ts'
import { requestFields, riskField } from '../client/event.ts'
import type { Emit, Event } from '../event.ts'
import type { BlockList, Registrations, Throttle } from '../stores/port.ts'
import { confirmRules } from './limits.ts'
import { readLogin } from './submitted.ts'
import { risksOfLogin } from './verdicts.ts'

export interface ConfirmDeps extends ClientDeps {
  registrations: Pick<Registrations, 'confirm'>
  throttle: Pick<Throttle, 'reserve'>
  blocks: Pick<BlockList, 'blockedBy'>
  canaries: ReadonlySet<string>
  emit: Emit
  now: () => number
}

export type ConfirmOutcome =
  | { kind: 'confirmed'; email: string }
  /** Unknown, used, expired, or the address has an account by now: whoever guesses learns nothing. */
  | { kind: 'refused' }
  | { kind: 'throttled'; retryAfterSeconds: number }

type FailReason = Extract<Event, { evt: 'register'; outcome: 'fail' }>['reason']

const TOKEN = /^[A-Za-z0-9_-]{43}$/

/** What a store holds of a token: 256 random bits need neither salt nor stretching. */
export const tokenHashOf = (token: string): string => createHash('sha256').update(token).digest('hex')

/**
 * Opens the account that a link was sent for, with the password that was given when it was asked for. Every other link
 * of the address is void from then on.
 */
export async function confirm(token: string, client: Client, deps: ConfirmDeps): Promise<ConfirmOutcome> {
  const fields = { ...requestFields(client, deviceOf(client, deps)), evt: 'register' as const }
  const isBlocked = (await deps.blocks.blockedBy(networkOf(client.ip), deps.now())) !== undefined
  const fail = (reason: FailReason) => deps.emit({ ...fields, outcome: 'fail', reason: isBlocked ? 'blocked' : reason })

  const refusal = await deps.throttle.reserve(confirmRules(client.ip))
  if (refusal) {
    fail('throttled')
    return { kind: 'throttled', ...refusal }
  }
  const isRead = TOKEN.test(token) && !isBlocked
  const account = isRead
    ? await deps.registrations.confirm(tokenHashOf(token), randomUUID(), new Date(deps.now()))
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
