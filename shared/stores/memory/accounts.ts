import type { AccountChange, Origin, RevocationReason, RevokedUser, User } from '../port.ts'
import type { MemorySpace } from './space.ts'

export interface Account extends User {
  revoked?: Omit<RevokedUser, 'id' | 'epoch'>
}

/** What a change leaves in the audit. */
interface Note {
  action: AccountChange['action'] | 'totp_offered'
  containmentId?: string | undefined
  by?: Origin | undefined
}

interface AuditRow extends Note {
  at: Date
  userId: string
  epoch: number
}

/** The key of the only value of a map: a space holds maps alone. */
const ALL = ''

/** Accounts and their audit rows. A change and its audit row are one step. */
export class Accounts {
  readonly #accounts: Map<string, Account>
  /** Ids by lower-cased address. */
  readonly #ids: Map<string, string>
  readonly #audits: Map<string, readonly AuditRow[]>

  constructor(space: MemorySpace) {
    this.#accounts = space.map()
    this.#ids = space.map()
    this.#audits = space.map()
  }

  get(id: string): Account | undefined {
    return this.#accounts.get(id)
  }

  byEmail(email: string): Account | undefined {
    return this.#accounts.get(this.#ids.get(email.toLowerCase()) ?? '')
  }

  all(): Iterable<Account> {
    return this.#accounts.values()
  }

  create(account: Account): void {
    this.#ids.set(account.email.toLowerCase(), account.id)
    this.set(account)
    this.#audit(account, account.createdAt, { action: 'registered' })
  }

  /** Stores an account without an audit row. */
  set(account: Account): void {
    this.#accounts.set(account.id, account)
  }

  /** @returns the epoch afterwards */
  change(account: Account, changes: Partial<Account>, at: Date, note: Note): number {
    const changed = { ...account, ...changes }
    this.set(changed)
    this.#audit(changed, at, note)
    return changed.epoch
  }

  /** The epoch that a containment gave to a user, if it did. */
  epochOf(userId: string, containmentId: string): number | undefined {
    return this.#rows.find((row) => row.userId === userId && row.containmentId === containmentId)?.epoch
  }

  /** Newest first; of one instant, the later change first. */
  changesOf(userId: string, since: Date, limit: number): AccountChange[] {
    const changes: AccountChange[] = []
    for (const { action, at, by, containmentId, ...row } of this.#rows.toReversed()) {
      if (row.userId !== userId || at < since || action === 'totp_offered') continue
      changes.push({ at, action, ...(containmentId !== undefined && { containmentId }), ...(by && { by }) })
    }
    return changes.sort((a, b) => b.at.getTime() - a.at.getTime()).slice(0, limit)
  }

  /** Removes audit rows, oldest first. @returns how many it removed */
  purge(before: Date, atMost: number): number {
    const old = this.#rows.filter(({ at }) => at < before).sort((a, b) => a.at.getTime() - b.at.getTime())
    const gone = new Set(old.slice(0, atMost))
    this.#audits.set(
      ALL,
      this.#rows.filter((row) => !gone.has(row)),
    )
    return gone.size
  }

  get #rows(): readonly AuditRow[] {
    return this.#audits.get(ALL) ?? []
  }

  #audit({ id, epoch }: Account, at: Date, note: Note): void {
    this.#audits.set(ALL, [...this.#rows, { at, userId: id, epoch, ...note }])
  }
}

/** The changes that raise the epoch of an account. */
export const raised = ({ epoch }: Account, now: Date, reason: RevocationReason) => ({
  epoch: epoch + 1,
  revoked: { reason, at: now.getTime() },
})
