import type { Account } from '../cast.ts'
import type { Device } from './devices.ts'
import type { Answer, Outgoing } from './wire.ts'

/** A session credential: a cookie's value or a bearer token. */
export interface Session {
  /** The session's public id, which the token contains. */
  readonly sid: string
  readonly secret: string
}

/** Epoch ms of sending the request and of receiving its whole answer. */
type Timed = Pick<Answer, 'sentAt' | 'answeredAt'>

export type SignIn =
  | ({ readonly kind: 'in'; readonly session: Session } & Timed)
  /** `words` is everything by which a client can distinguish refusals. */
  | ({ readonly kind: 'refused'; readonly status: number; readonly words: string } & Timed)

/** The password was right, and a code is required. */
export type Challenge = { readonly kind: 'challenged' } & Timed

export type Visit =
  | ({ readonly kind: 'in' } & Timed)
  | ({ readonly kind: 'out'; readonly status: number; readonly words: string } & Timed)

/** Every secret that a client holds: session tokens, pending second factors and device tokens. */
export interface Belongings {
  readonly session: Session | undefined
  /** The secret of a pending sign-in, which is sent with the code. */
  readonly challenge: string | undefined
}

/** A browser or script of a person or a thief, with all actions that a client can take. */
export interface Client {
  /** Requests an account and confirms its address with the link in the mail. */
  register(account: Account): Promise<void>
  /** Requests an account without confirming its address. */
  requestAccount(account: Account): Promise<void>
  /** Signs in to an account without a second factor. @throws RequestFailed when a code is required */
  signIn(account: Account): Promise<SignIn>
  /** The first half of a sign-in with a second factor. */
  givePassword(account: Account): Promise<SignIn | Challenge>
  /** The second half: answers the last challenge. May be repeated. */
  enterCode(code: string): Promise<SignIn>
  /** Opens a page that requires a session. */
  visit(): Promise<Visit>
  /** Starts to set up an authenticator. @returns its secret, which the page shows once @throws RequestFailed when refused */
  enrol(): Promise<string>
  /** Turns the authenticator on. @throws RequestFailed when refused */
  confirm(code: string): Promise<void>
  /** Gives the password again in a session without a second factor. @returns the session that replaces it */
  reauthenticate(password: string): Promise<SignIn>
  /** @returns the session that replaces the current one */
  changePassword(account: Account, next: string): Promise<SignIn>
  /** @throws RequestFailed when refused */
  signOut(): Promise<void>
  /** Ends another session of the same account. @throws RequestFailed when refused */
  endOther(sid: string): Promise<void>
  /**
   * Uses the session so that it is renewed if that is due: web renews it with a page, a script must request it.
   * @returns whether the client now has a later token
   */
  renew(): Promise<boolean>
  /** Uses this session from now on. */
  hold(session: Session): void
  /** Sends a custom request without a session. @throws RequestFailed like all others */
  send(outgoing: Outgoing): Promise<Answer>
  belongings(): Belongings
  /** Changes the device or the address and keeps the session. */
  move(to: { device?: Device; address?: string }): void
}

/**
 * The sid in a session token, which is not verified here.
 * @throws Error when the text is not a session token
 */
export function sidOf(token: string): string {
  const { sid } = claimsOf(token)
  if (typeof sid === 'string') return sid
  throw new Error('the session token must be a JSON Web Token with a sid')
}

/** The id of the session's owner, as in the logs. Not verified. */
export const userOf = ({ secret }: Session): string => String(claimsOf(secret).sub)

/** The generation of a token, which each renewal increases. Not verified. */
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

/** The text of a refusal without the parts that differ in each request: the typed text and the request's id. */
export const wordsOf = (body: string, typed: string): string =>
  body.replaceAll(typed, '(typed)').replaceAll(UUID, '(id)')
