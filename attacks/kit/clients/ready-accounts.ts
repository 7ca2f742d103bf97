import type { Account } from '../cast.ts'
import type { Client } from './client.ts'

/** There are not enough existing accounts. */
export class AccountsMissing extends Error {
  override readonly name = 'AccountsMissing'
}

/**
 * Existing accounts of a target whose mail cannot be read. Each replaces an invented account from its registration on: the
 * attack uses the invented address and password, and those of the existing account are sent. Invented accounts that share
 * a password get existing ones that share a password, because password spraying needs that.
 */
export class ReadyAccounts {
  readonly #free: Account[]
  readonly #accounts: readonly Account[]
  readonly #needed: () => number
  readonly #emails = new Map<string, string>()
  readonly #passwords = new Map<string, string>()

  /** @param needed the number of people that the attack has invented, all of them before the first registers */
  constructor(accounts: readonly Account[], needed: () => number) {
    this.#free = [...accounts]
    this.#accounts = accounts
    this.#needed = needed
  }

  /** @throws AccountsMissing with the number of accounts needed */
  take({ email, password }: Account): void {
    if (this.#emails.has(keyOf(email))) return
    const needed = this.#needed()
    if (needed > this.#accounts.length) throw new AccountsMissing(this.#tooFew(needed))
    const same = this.#passwords.get(password)
    const account = same === undefined ? this.#mostAlike() : this.#free.find((free) => free.password === same)
    if (!account) throw new AccountsMissing(this.#unlike(needed, same))
    this.#free.splice(this.#free.indexOf(account), 1)
    this.#emails.set(keyOf(email), account.email)
    this.#passwords.set(password, account.password)
  }

  /** The existing account for an invented one. Unregistered logins and wrong passwords stay unchanged. */
  translate({ email, password }: Account): Account {
    return { email: this.#emails.get(keyOf(email)) ?? email, password: this.password(password) }
  }

  password(password: string): string {
    return this.#passwords.get(password) ?? password
  }

  /**
   * Prefers the password that most existing accounts share, because the next invented account may need the same one. Takes
   * a password that already replaces another invented one last.
   */
  #mostAlike(): Account | undefined {
    const used = new Set(this.#passwords.values())
    const unused = this.#free.filter(({ password }) => !used.has(password))
    const shared = new Map<string, number>()
    for (const { password } of unused.length > 0 ? unused : this.#free)
      shared.set(password, (shared.get(password) ?? 0) + 1)
    const [most] = [...shared].sort(([, one], [, other]) => other - one)
    return most && this.#free.find(({ password }) => password === most[0])
  }

  #tooFew(needed: number): string {
    const count = needed === 1 ? '1 existing account' : `${needed} existing accounts`
    if (this.#accounts.length === 0) return `This needs ${count}. Give a file of them: --accounts FILE.`
    return `This needs ${count}; the file of --accounts has ${this.#accounts.length}.`
  }

  #unlike(needed: number, password: string | undefined): string {
    const found = this.#accounts.filter((account) => account.password === password).length
    return `This needs ${needed} accounts, more than ${found} of them with the same password; the file of --accounts has ${found}.`
  }
}

const keyOf = (email: string): string => email.trim().toLowerCase()

/** Wraps a client so that it uses existing accounts. */
export function withReadyAccounts(client: Client, ready: ReadyAccounts): Client {
  return {
    ...client,
    register: async (account) => ready.take(account),
    requestAccount: (account) => client.requestAccount(ready.translate(account)),
    signIn: (account) => client.signIn(ready.translate(account)),
    givePassword: (account) => client.givePassword(ready.translate(account)),
    reauthenticate: (password) => client.reauthenticate(ready.password(password)),
    changePassword: (account, next) => client.changePassword(ready.translate(account), next),
  }
}
