import type { Account } from '../cast.ts'
import type { Device } from './devices.ts'
import type { Answer, Outgoing } from './wire.ts'

/** What opens an account without a password: a cookie's value or a bearer token. */
export interface Session {
  /** The session's public name, as it stands in the token. */
  readonly sid: string
  readonly secret: string
}

/** Epoch ms: when the request was sent, and when its answer was here. */
type Timed = Pick<Answer, 'sentAt' | 'answeredAt'>

export type SignIn =
  | ({ readonly kind: 'in'; readonly session: Session } & Timed)
  /** `words` is all that a client could tell one refusal from another by. */
  | ({ readonly kind: 'refused'; readonly status: number; readonly words: string } & Timed)

/** The password was right, and a code is asked for. */
export type Challenge = { readonly kind: 'challenged' } & Timed

export type Visit =
  | ({ readonly kind: 'in' } & Timed)
  | ({ readonly kind: 'out'; readonly status: number; readonly words: string } & Timed)

/** Every secret that a client holds: session tokens, pending second factors and device tokens. */
export interface Belongings {
  readonly session: Session | undefined
  /** What a code has to be given with: the password was right. */
  readonly challenge: string | undefined
}

/** One person's, or thief's, browser or script: what can be done to the target without its help. */
export interface Client {
  /** Asks for an account and confirms its address: by the link in the mail, as everybody. */
  register(account: Account): Promise<void>
  /** Asks for an account, and leaves it at that: a mail goes to whoever has the address. */
  requestAccount(account: Account): Promise<void>
  /** Of an account without a second factor. @throws RequestFailed when a code is asked for */
  signIn(account: Account): Promise<SignIn>
  /** The first half of a sign-in with a second factor. */
  givePassword(account: Account): Promise<SignIn | Challenge>
  /** The second half: answers the last challenge, as often as it is let. */
  enterCode(code: string): Promise<SignIn>
  /** Opens what only somebody who is signed in gets to see. */
  visit(): Promise<Visit>
  /** Asks for an authenticator. @returns its secret, as the page shows it once @throws RequestFailed when refused */
  enrol(): Promise<string>
  /** Turns it on. @throws RequestFailed when refused */
  confirm(code: string): Promise<void>
  /** Gives the password once more, inside a session without a second factor. @returns the session that goes on instead */
  reauthenticate(password: string): Promise<SignIn>
  /** @returns the session that goes on instead */
  changePassword(account: Account, next: string): Promise<SignIn>
  /** @throws RequestFailed when refused */
  signOut(): Promise<void>
  /** Ends another session of the same account. @throws RequestFailed when refused */
  endOther(sid: string): Promise<void>
  /**
   * Uses the session so that it is renewed where that is due: web does so with a page, a script has to ask.
   * @returns whether the token in hand is a later one now
   */
  renew(): Promise<boolean>
  /** Takes a session as one's own, wherever it came from. */
  hold(session: Session): void
  /** A request of one's own making, without any session. @throws RequestFailed as every other */
  send(outgoing: Outgoing): Promise<Answer>
  belongings(): Belongings
  /** Another device or network from now on, with the same session. */
  move(to: { device?: Device; address?: string }): void
}

/**
 * The sid that a session token names. Anybody who holds a token can read it; that it verifies is not asked here.
 * @throws Error when it is no token of ours
 */
export function sidOf(token: string): string {
  const { sid } = claimsOf(token)
  if (typeof sid === 'string') return sid
  throw new Error('the session token is not a JSON Web Token with a sid')
}

/** Whose session it is, as the logs name them. Likewise unverified. */
export const userOf = ({ secret }: Session): string => String(claimsOf(secret).sub)

/** Which token of its session it is: renewals count them. Likewise unverified. */
export const genOf = (token: string): number => Number(claimsOf(token).gen)

function claimsOf(token: string): { sid?: unknown; sub?: unknown; gen?: unknown } {
  const [, payload = ''] = token.split('.')
  try {
    return Object(JSON.parse(Buffer.from(payload, 'base64url').toString()))
  } catch {
    return {}
  }
}

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

/** A refusal without what differs from request to request: what was typed, and the request's own id. */
export const wordsOf = (body: string, typed: string): string =>
  body.replaceAll(typed, '(typed)').replaceAll(UUID, '(id)')
