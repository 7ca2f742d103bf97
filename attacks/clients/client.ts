import type { Account } from '../cast.ts'
import type { Device } from './devices.ts'

/** What opens an account without a password: a cookie's value or a bearer token. */
export interface Session {
  /** The session's public name, as it stands in the token. */
  readonly sid: string
  readonly secret: string
}

export type SignIn =
  | { readonly kind: 'in'; readonly session: Session; readonly sentAt: number }
  /** `words` is all that a client could tell one refusal from another by. */
  | { readonly kind: 'refused'; readonly status: number; readonly words: string; readonly sentAt: number }

export type Visit =
  | { readonly kind: 'in'; readonly sentAt: number }
  | { readonly kind: 'out'; readonly status: number; readonly words: string; readonly sentAt: number }

/** One person's, or thief's, browser or script: what can be done to the target without its help. */
export interface Client {
  register(account: Account): Promise<void>
  signIn(account: Account): Promise<SignIn>
  /** Opens what only somebody who is signed in gets to see. */
  visit(): Promise<Visit>
  /** Takes a session as one's own, wherever it came from. */
  hold(session: Session): void
  /** Another device or network from now on, with the same session. */
  move(to: { device?: Device; address?: string }): void
}

/**
 * The sid that a session token names. Anybody who holds a token can read it; that it verifies is not asked here.
 * @throws Error when it is no token of ours
 */
export function sidOf(token: string): string {
  const [, payload = ''] = token.split('.')
  try {
    const { sid } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sid?: unknown }
    if (typeof sid === 'string') return sid
  } catch {}
  throw new Error('the session token is not a JSON Web Token with a sid')
}

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

/** A refusal without what differs from request to request: the login that was typed, and the request's own id. */
export const wordsOf = (body: string, email: string): string =>
  body.replaceAll(email, '(login)').replaceAll(UUID, '(id)')
