import type { Account, Person } from './cast.ts'
import type { Authenticator } from './clients/authenticator.ts'
import { type Client, type Session, userOf } from './clients/client.ts'
import type { Device } from './clients/devices.ts'

/** The owner of a client: at the end an attacker's must be refused everything, and an honest person's must work. */
export type Side = 'attacker' | 'honest'

/** Where requests come from. */
export interface Source {
  readonly device: Device
  readonly address: string
}

/** Something that the attacker obtained, and the source from which it was last used. */
export interface Obtained<T> {
  readonly what: T
  readonly from: Source
}

/** A password that was right, and the client that gave it, with the cookies or tokens it has received since. */
export interface KnownPassword {
  readonly account: Account
  readonly client: Client
}

export interface HonestClient {
  readonly client: Client
  readonly device: Device
  /** The session that it holds and has not ended itself. */
  session: Session | undefined
}

/** An honest person and all their clients. */
export interface HonestPerson {
  readonly name: string
  /** The account with the password that its owner knows. */
  account: Account
  readonly clients: HonestClient[]
  phone: Authenticator | undefined
  /** Sids of sessions that were refused to an honest client, which had not ended them. */
  readonly lost: Set<string>
  /** The refusals of right passwords. */
  readonly refusals: string[]
}

/**
 * The records of one run: everything that the attacker obtained, and everything that honest people have. The clients record
 * what they get by themselves, so that an attack cannot omit a victim.
 */
export class AccessRecord {
  readonly people = new Map<string, HonestPerson>()
  /** By token, because a session may have several. */
  readonly sessions = new Map<string, Obtained<Session>>()
  /** By the secret of the pending sign-in; the value is the owner's email. */
  readonly challenges = new Map<string, Obtained<string>>()
  readonly passwords: KnownPassword[] = []
  readonly #owners = new Map<string, string>()
  readonly #entered = new Set<string>()
  readonly #own = new Set<string>()

  /** Records the account of an honest person. */
  register(account: Account & Partial<Pick<Person, 'name'>>): void {
    const { email, name = email } = account
    if (this.people.has(email)) return
    const person = { name, account, clients: [], phone: undefined, lost: new Set<string>(), refusals: [] }
    this.people.set(email, person)
  }

  /** Records an account that the attacker opened, in which a session is no takeover. */
  registerOwn({ email }: Account): void {
    if (!this.people.has(email)) this.#own.add(email)
  }

  /** Records the owner of a session, which is known only where an email was given. */
  owns(email: string, session: Session): void {
    this.#owners.set(userOf(session), email)
  }

  /** Records that a request with the session was answered as its owner's. */
  enter(session: Session): void {
    this.#entered.add(userOf(session))
  }

  /** The account of a session: its email if known, else the user's id. */
  accountOf(session: Session): string {
    const user = userOf(session)
    return this.#owners.get(user) ?? user
  }

  isOwn(account: string): boolean {
    return this.#own.has(account)
  }

  /** All accounts of others that the attacker entered, including those where only the second factor was missing. */
  entered(): Set<string> {
    const opened = [...this.#entered].map((user) => this.#owners.get(user) ?? user)
    const half = [...this.challenges.values()].map(({ what: email }) => email)
    return new Set([...opened, ...half].filter((account) => !this.isOwn(account)))
  }
}
