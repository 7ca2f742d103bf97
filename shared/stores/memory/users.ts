import { combine } from '../../session/revocation.ts'
import type { RevocationReason, RevokedUser, User, Users } from '../port.ts'
import { createMemorySpace } from './space.ts'

interface Account extends User {
  revoked?: Omit<RevokedUser, 'id' | 'epoch'>
}

interface AuditRow {
  at: Date
  userId: string
  epoch: number
  containmentId?: string | undefined
}

/** The value of `lastStep` before any step was accepted: below every real step. */
const NO_STEP = -1

/** Users, in this process only. A change and its audit row are one step. */
export function createMemoryUsers(space = createMemorySpace()): Users {
  const accounts = space.map<Account>()
  /** Ids by lower-cased address. */
  const ids = space.map<string>()
  const audits = space.map<readonly AuditRow[]>()
  const ALL = ''

  const audit = ({ id, epoch }: Account, at: Date, containmentId?: string) =>
    audits.set(ALL, [...(audits.get(ALL) ?? []), { at, userId: id, epoch, containmentId }])
  const change = (account: Account | undefined, changes: Partial<Account>, at: Date, containmentId?: string) => {
    if (!account) return undefined
    const changed = { ...account, ...changes }
    accounts.set(account.id, changed)
    audit(changed, at, containmentId)
    return changed.epoch
  }
  const raised = ({ epoch }: Account, now: Date, reason: RevocationReason) => ({
    epoch: epoch + 1,
    revoked: { reason, at: now.getTime() },
  })
  const userOf = ({ revoked: _, totp, ...user }: Account): User => (totp ? { ...user, totp } : user)

  return {
    async create({ id, email, passwordHash }, now) {
      const key = email.toLowerCase()
      if (ids.has(key)) return 'existing'
      const account = { id, email, passwordHash, epoch: 1, createdAt: now, deviceTokens: false }
      ids.set(key, id)
      accounts.set(id, account)
      audit(account, now)
      return 'created'
    },
    async findByEmail(email) {
      const account = accounts.get(ids.get(email.toLowerCase()) ?? '')
      return account && userOf(account)
    },
    async findById(id) {
      const account = accounts.get(id)
      return account && userOf(account)
    },
    async readEpoch(id) {
      return accounts.get(id)?.epoch
    },
    async expectDeviceTokens(id) {
      const account = accounts.get(id)
      if (account) accounts.set(id, { ...account, deviceTokens: true })
    },
    async bumpEpoch(id, { reason, containmentId, openedBefore }, now) {
      const account = accounts.get(id)
      if (!account) return undefined
      const isKnown = (row: AuditRow) => row.userId === id && row.containmentId === containmentId
      const known = containmentId !== undefined && audits.get(ALL)?.find(isKnown)
      if (known) return known.epoch
      const why = { reason, ...(containmentId !== undefined && { containmentId }) }
      const latest = { ...why, epoch: account.epoch + 1, at: now.getTime() }
      const before = account.revoked && { ...account.revoked, epoch: account.epoch }
      const { epoch, ...revoked } = combine(before, openedBefore === undefined ? latest : { ...latest, openedBefore })
      return change(account, { epoch, revoked }, now, containmentId)
    },
    async listRevoked(since, limit, before) {
      const listed: RevokedUser[] = []
      for (const { id, epoch, revoked } of accounts.values()) {
        if (!revoked || revoked.at < since.getTime()) continue
        const isLater = before && (revoked.at > before.at || (revoked.at === before.at && id >= before.id))
        if (!isLater) listed.push({ id, epoch, ...revoked })
      }
      listed.sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
      return listed.slice(0, limit)
    },
    async changePassword(id, { hash, epoch, dropTotp = false }, to, now) {
      const account = accounts.get(id)
      if (account?.passwordHash !== hash || account.epoch !== epoch) return undefined
      if (dropTotp && account.totp?.doubtfulSince === undefined) return undefined
      const changes = { passwordHash: to, ...(dropTotp && { totp: undefined }) }
      return change(account, { ...changes, ...raised(account, now, 'password_changed') }, now)
    },
    async rehash(id, from, to) {
      const account = accounts.get(id)
      if (account?.passwordHash === from) accounts.set(id, { ...account, passwordHash: to })
    },
    async offerTotp(id, secret, now) {
      const account = accounts.get(id)
      if (account?.totp?.enabled) return false
      return change(account, { totp: { secret, enabled: false, lastStep: NO_STEP } }, now) !== undefined
    },
    async enableTotp(id, { secret, step, epoch, spareOthers = false }, now) {
      const account = accounts.get(id)
      if (!account?.totp || account.totp.enabled || account.totp.secret !== secret || account.epoch !== epoch) {
        return undefined
      }
      const totp = { secret, enabled: true, lastStep: step }
      return spareOthers
        ? change(account, { totp: { ...totp, doubtfulSince: now.getTime() } }, now)
        : change(account, { totp, ...raised(account, now, 'factor_changed') }, now)
    },
    async disableTotp(id, epoch, now) {
      const account = accounts.get(id)
      if (!account?.totp?.enabled || account.epoch !== epoch) return undefined
      return change(account, { totp: undefined, ...raised(account, now, 'factor_changed') }, now)
    },
    async purgeAudit(before, atMost) {
      const rows = audits.get(ALL) ?? []
      const old = rows.filter(({ at }) => at < before).sort((a, b) => a.at.getTime() - b.at.getTime())
      const gone = new Set(old.slice(0, atMost))
      audits.set(
        ALL,
        rows.filter((row) => !gone.has(row)),
      )
      return gone.size
    },
    async acceptTotpStep(id, step) {
      const account = accounts.get(id)
      if (!account?.totp?.enabled || account.totp.lastStep >= step) return false
      accounts.set(id, { ...account, totp: { ...account.totp, lastStep: step } })
      return true
    },
  }
}
