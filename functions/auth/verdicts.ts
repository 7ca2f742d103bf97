import { networkOf } from '../../shared/client/address.ts'
import type { Client } from '../../shared/client/client.ts'
import type { Risk } from '../../shared/event.ts'
import type { Attempt, Attempts, Entrances } from '../../shared/stores/port.ts'
import type { Passwords } from '../passwords/passwords.ts'
import type { SubmittedLogin } from './submitted.ts'

/** Both are judged by the last hour, and neither is counted further than to where it is decided. */
const DECIDED_BY = { withinMs: 60 * 60_000, logins: 5, failures: 5 } as const
const MOST = Math.max(DECIDED_BY.logins, DECIDED_BY.failures)

export interface VerdictDeps {
  attempts: Attempts
  entrances: Pick<Entrances, 'failed'>
  passwords: Pick<Passwords, 'fingerprint'>
  /** Logins that nobody has: whoever tries one read it in a list. */
  canaries: ReadonlySet<string>
  now: () => number
}

/** One try of a password at a login. */
export interface Try {
  typed: SubmittedLogin
  password: string
  /** Came with a token of this very account. */
  trusted: boolean
  client: Client
}

/**
 * What a log monitor cannot compute of a sign-in: whether its password is being tried at one login after another, and
 * whether a right one comes after wrong ones from the same network or device. A failure on a device with a token of the
 * account is taken for its owner's: neither counted nor judged. One round trip, whether or not there is an account.
 * @throws if the store fails: an attempt that cannot be counted is not let through
 */
export async function judgeTry(
  { typed, password, trusted, client }: Try,
  outcome: Attempt['outcome'],
  deps: VerdictDeps,
): Promise<Risk[]> {
  const origins = trusted ? [] : originsOf(client, typed)
  if (outcome !== 'right') await deps.entrances.failed(networkOf(client.ip), deps.now())
  const attempt = { password: deps.passwords.fingerprint(password), login: typed.loginHash, origins, outcome }
  const { logins, failures } = await deps.attempts.note(attempt, DECIDED_BY.withinMs, MOST, deps.now())
  const risks: Risk[] = outcome === 'right' && failures >= DECIDED_BY.failures ? ['after_failures'] : []
  if (logins >= DECIDED_BY.logins) risks.push('spray')
  return [...risks, ...risksOfLogin(typed, deps)]
}

/**
 * Where a try comes from: its network, and its device if the browser has told its hints. A kind of device alone is no origin:
 * anybody has the most common one, and with five wrong passwords from it could have a victim's next new device signed out.
 */
function originsOf({ ip, hintsHash }: Client, { deviceHash }: SubmittedLogin): string[] {
  const network = `network ${networkOf(ip)}`
  return hintsHash === undefined ? [network] : [network, `device ${deviceHash} ${hintsHash}`]
}

export const risksOfLogin = (typed: SubmittedLogin, { canaries }: Pick<VerdictDeps, 'canaries'>): 'canary'[] =>
  typed.email !== undefined && canaries.has(typed.email) ? ['canary'] : []
