import { createHash, createHmac } from 'node:crypto'
import { serviceWords, weakness } from '../../shared/auth/password-policy.ts'
import { ProblemError } from '../../shared/problem.ts'
import type { Secret } from '../../shared/secret.ts'
import type { Sender } from './fair-queue.ts'
import type { HashPool } from './hash-pool.ts'
import { HashQueueFull } from './worker-pool.ts'

/** `unchanged` unless the stored hash was made with an older pepper or a lower cost. */
export type PasswordCheck = { matches: false } | { matches: true; outdated: boolean }

export interface Passwords {
  /** @param sender whose share of the queue the job uses */
  hash(password: string, sender?: Sender): Promise<string>
  /**
   * Verifies a password against a stored hash. Without one (an unknown account) it does the same work.
   * @throws ProblemError `unavailable` when the queue is full, or this job gave its place to a smaller sender
   */
  check(password: string, stored: string | undefined, sender?: Sender): Promise<PasswordCheck>
  /**
   * Judges a new password of the account with this address.
   * @returns why it is refused, for the person who chose it; undefined if it is accepted
   * @throws as `check` does
   */
  weakness(password: string, email: string, sender?: Sender): Promise<string | undefined>
  /**
   * Distinguishes typed passwords for an hour, for a holder of the pepper only. It is short, so that it proves
   * nothing else.
   * @returns 16 hex digits
   */
  fingerprint(password: string): string
}

const STORED = /^p1\.([0-9a-f]{8})\.(\$2[aby]\$\d\d\$.{53})$/
/** Salt and digest that no password has, for the comparison without an account. */
const NOBODY = 'XXXXXXXXXXXXXXXXXXXXXXOyPo4JcP6Wc4d2RAa5eSXtwXs1nTNTi'

/**
 * bcrypt over a keyed pre-hash. The pepper makes a stolen table useless, and the fixed length avoids the limit of
 * bcrypt at 72 bytes. Stored as `p1.<pepper id>.<bcrypt>`.
 * @param peppers newest first; a password with an older one is hashed again at its next use
 * @param service words of this service that passwords must not consist of; see {@link serviceWords}
 * @see NIST SP 800-63B-4 3.1.1.2, OWASP Password Storage Cheat Sheet (peppering)
 */
export function createPasswords(
  pool: HashPool,
  peppers: readonly [Secret, ...Secret[]],
  cost: number,
  service: readonly string[] = serviceWords(''),
): Passwords {
  const byId = new Map(peppers.map((pepper) => [idOf(pepper), pepper]))
  const [newest] = peppers
  const nobody = `$2b$${String(cost).padStart(2, '0')}$${NOBODY}`

  return {
    hash: async (password, sender) => {
      const hash = await busyIsUnavailable(pool.hash(prehash(password, newest), cost, sender))
      return `p1.${idOf(newest)}.${hash}`
    },
    check: async (password, stored, sender) => {
      const [, id = '', hash = nobody] = STORED.exec(stored ?? '') ?? []
      const pepper = byId.get(id)
      const input = prehash(password, pepper ?? newest)
      const matches = await busyIsUnavailable(pool.compare(input, pepper ? hash : nobody, sender))
      if (!matches || !pepper) return { matches: false }
      return { matches: true, outdated: pepper !== newest || costOf(hash) < cost }
    },
    weakness: (password, email, sender) => {
      const isGuessable = (text: string, context: readonly string[]) =>
        busyIsUnavailable(pool.isGuessable(text, context, sender))
      return weakness(password, email, { service, isGuessable })
    },
    fingerprint: (password) =>
      createHmac('sha256', newest.reveal())
        .update('fingerprint v1\0')
        .update(normal(password))
        .digest('hex')
        .slice(0, 16),
  }
}

/** Normalises to NFKC, because two keyboards may encode one character differently. */
const normal = (password: string): string => password.normalize('NFKC')

const prehash = (password: string, pepper: Secret): string =>
  createHmac('sha256', pepper.reveal()).update(normal(password)).digest('base64')

const idOf = (pepper: Secret): string =>
  createHash('sha256').update('pepper id v1\0').update(pepper.reveal()).digest('hex').slice(0, 8)

const costOf = (hash: string): number => Number(/^\$2[aby]\$(\d\d)\$/.exec(hash)?.[1] ?? 0)

const busyIsUnavailable = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    if (error instanceof HashQueueFull) throw new ProblemError('unavailable', { retryAfterSeconds: 2, cause: error })
    throw error
  })
