import { networkOf } from '../../shared/client/address.ts'
import type { Client } from '../../shared/client/client.ts'
import type { Risk } from '../../shared/event.ts'
import type { Attempt, Attempts, RecentSignIns } from '../../shared/stores/port.ts'
import type { Passwords } from '../passwords/passwords.ts'
import type { SubmittedLogin } from './submitted.ts'

/** Both look back one hour, and count no further than the decision needs. */
const DECIDED_BY = { withinMs: 60 * 60_000, logins: 5, failures: 5 } as const
const MOST = Math.max(DECIDED_BY.logins, DECIDED_BY.failures)

export interface VerdictDeps {
  attempts: Attempts
  recentSignIns: Pick<RecentSignIns, 'failed'>
  passwords: Pick<Passwords, 'fingerprint'>
  /** Logins without an account: whoever tries one read it in a stolen list. */
  canaries: ReadonlySet<string>
  now: () => number
}

/** One attempt with a password at a login. */
export interface Try {
  typed: SubmittedLogin
  password: string
  /** The device presented a token of this account. */
  trusted: boolean
  client: Client
}

/**
 * Computes the verdicts on a sign-in that a log monitor cannot: whether its password is tried at one login after
 * another, and whether a right password follows wrong ones from the same network or device. A failure on a device
 * with a token of the account counts as the owner's: it is neither counted nor judged. One round trip, whether or not
 * the account exists.
 * @throws if the store fails: an attempt that cannot be counted is not accepted
 */
export async function judgeTry(
  { typed, password, trusted, client }: Try,
  outcome: Attempt['outcome'],
  deps: VerdictDeps,
): Promise<Risk[]> {
  const origins = trusted ? [] : originsOf(client, typed)
  if (outcome !== 'right') await deps.recentSignIns.failed(networkOf(client.ip), deps.now())
  const attempt = { password: deps.passwords.fingerprint(password), login: typed.loginHash, origins, outcome }
  const { logins, failures } = await deps.attempts.note(attempt, DECIDED_BY.withinMs, MOST, deps.now())
  const risks: Risk[] = outcome === 'right' && failures >= DECIDED_BY.failures ? ['after_failures'] : []
  if (logins >= DECIDED_BY.logins) risks.push('spray')
  return [...risks, ...risksOfLogin(typed, deps)]
}

/**
 * The origins of an attempt: its network, and its device if the browser sent hints. A kind of device alone is not an
 * origin: with five wrong passwords from the most common kind, anybody could have the next new device of a victim
 * signed out.
 */
function originsOf({ ip, hintsHash }: Client, { deviceHash }: SubmittedLogin): string[] {
  const network = `network ${networkOf(ip)}`
  return hintsHash === undefined ? [network] : [network, `device ${deviceHash} ${hintsHash}`]
}

export const risksOfLogin = (typed: SubmittedLogin, { canaries }: Pick<VerdictDeps, 'canaries'>): 'canary'[] =>
  typed.email !== undefined && canaries.has(typed.email) ? ['canary'] : []
