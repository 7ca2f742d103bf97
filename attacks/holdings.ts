import type { Account, Person } from './cast.ts'
import type { Authenticator } from './clients/authenticator.ts'
import { type Client, type Session, userOf } from './clients/client.ts'
import type { Device } from './clients/devices.ts'

/** Whose client it is: at the end an attacker's must be refused everything, and an honest one's must work. */
export type Side = 'attacker' | 'honest'

export interface Whereabouts {
  readonly device: Device
  readonly address: string
}

/** What an attacker holds of somebody, and where he last used it. */
export interface Loot<T> {
  readonly what: T
  readonly from: Whereabouts
}

/** A password that was right, and the client that gave it, with everything that the target has stored there since. */
export interface KnownPassword {
  readonly account: Account
  readonly client: Client
}

export interface HonestClient {
  readonly client: Client
  readonly device: Device
  /** Which it has in hand, and has not ended itself. */
  session: Session | undefined
}

/** Somebody honest, with all clients that are theirs. */
export interface HonestPerson {
  readonly name: string
  /** With the password that its owner knows. */
  account: Account
  readonly clients: HonestClient[]
  phone: Authenticator | undefined
  /** Sids that an honest client was refused with, and never gave up. */
  readonly lost: Set<string>
  /** How right passwords were refused. */
  readonly refusals: string[]
}

/**
 * The account of one run: everything that its attacker got into, and everything that honest people have. Clients enter
 * what they get by themselves, so that no attack can forget a victim.
 */
export class Holdings {
  readonly people = new Map<string, HonestPerson>()
  /** By the token itself: a session may have had several. */
  readonly sessions = new Map<string, Loot<Session>>()
  /** By the pending sign-in's secret; the email is whose it is. */
  readonly challenges = new Map<string, Loot<string>>()
  readonly passwords: KnownPassword[] = []
  readonly #owners = new Map<string, string>()
  readonly #entered = new Set<string>()
  readonly #own = new Set<string>()

  /** An honest person's account. The last client to register it is the one that its owner has. */
  register(account: Account & Partial<Pick<Person, 'name'>>): void {
    const { email, name = email } = account
    if (this.people.has(email)) return
    const person = { name, account, clients: [], phone: undefined, lost: new Set<string>(), refusals: [] }
    this.people.set(email, person)
  }

  /** An account that the attacker opened himself: a session there is no takeover. */
  registerOwn({ email }: Account): void {
    if (!this.people.has(email)) this.#own.add(email)
  }

  /** Whose session it is: only whoever gave an email with it can say. */
  owns(email: string, session: Session): void {
    this.#owners.set(userOf(session), email)
  }

  /** A request was answered as to the session's owner. */
  enter(session: Session): void {
    this.#entered.add(userOf(session))
  }

  /** The account that a session opens: its email where that is known, else the user's id. */
  accountOf(session: Session): string {
    const user = userOf(session)
    return this.#owners.get(user) ?? user
  }

  isOwn(account: string): boolean {
    return this.#own.has(account)
  }

  /** Every account of somebody else that the attacker got into; also those where only the second factor was missing. */
  entered(): Set<string> {
    const opened = [...this.#entered].map((user) => this.#owners.get(user) ?? user)
    const half = [...this.challenges.values()].map(({ what: email }) => email)
    return new Set([...opened, ...half].filter((account) => !this.isOwn(account)))
  }
}
