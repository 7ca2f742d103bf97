import { combine } from '../../session/revocation.ts'
import type { RevokedUser, User, Users } from '../port.ts'
import { type Account, Accounts, raised } from './accounts.ts'
import { createMemorySpace } from './space.ts'

/** The value of `lastStep` before any step was accepted: below every real step. */
const NO_STEP = -1

/** Users, in this process only. */
export function createMemoryUsers(space = createMemorySpace()): Users {
  const accounts = new Accounts(space)
  return {
    ...accountsOf(accounts),
    ...revocationsOf(accounts),
    ...passwordsOf(accounts),
    ...factorsOf(accounts),
    purgeAudit: async (before, atMost) => accounts.purge(before, atMost),
  }
}

function accountsOf(
  accounts: Accounts,
): Pick<Users, 'create' | 'findByEmail' | 'findById' | 'readEpoch' | 'expectDeviceTokens'> {
  const userOf = ({ revoked: _, totp, ...user }: Account): User => (totp ? { ...user, totp } : user)
  return {
    async create({ id, email, passwordHash }, now) {
      if (accounts.byEmail(email)) return 'existing'
      accounts.create({ id, email, passwordHash, epoch: 1, createdAt: now, deviceTokens: false })
      return 'created'
    },
    async findByEmail(email) {
      const account = accounts.byEmail(email)
      return account && userOf(account)
    },
    async findById(id) {
      const account = accounts.get(id)
      return account && userOf(account)
    },
    readEpoch: async (id) => accounts.get(id)?.epoch,
    async expectDeviceTokens(id) {
      const account = accounts.get(id)
      if (account) accounts.set({ ...account, deviceTokens: true })
    },
  }
}

function revocationsOf(accounts: Accounts): Pick<Users, 'bumpEpoch' | 'endSessions' | 'listChanges' | 'listRevoked'> {
  return {
    async endSessions(id, epoch, now, by) {
      const account = accounts.get(id)
      if (account?.epoch !== epoch) return undefined
      return accounts.change(account, raised(account, now, 'ended_elsewhere'), now, { action: 'sessions_ended', by })
    },
    listChanges: async (id, since, limit) => accounts.changesOf(id, since, limit),
    async bumpEpoch(id, { reason, containmentId, openedBefore }, now) {
      const account = accounts.get(id)
      if (!account) return undefined
      const known = containmentId === undefined ? undefined : accounts.epochOf(id, containmentId)
      if (known !== undefined) return known
      const why = { reason, ...(containmentId !== undefined && { containmentId }) }
      const latest = { ...why, epoch: account.epoch + 1, at: now.getTime() }
      const before = account.revoked && { ...account.revoked, epoch: account.epoch }
      const { epoch, ...revoked } = combine(before, openedBefore === undefined ? latest : { ...latest, openedBefore })
      return accounts.change(account, { epoch, revoked }, now, { action: 'sessions_revoked', containmentId })
    },
    async listRevoked(since, limit, before) {
      const listed: RevokedUser[] = []
      for (const { id, epoch, revoked } of accounts.all()) {
        if (!revoked || revoked.at < since.getTime()) continue
        const isLater = before && (revoked.at > before.at || (revoked.at === before.at && id >= before.id))
        if (!isLater) listed.push({ id, epoch, ...revoked })
      }
      listed.sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
      return listed.slice(0, limit)
    },
  }
}

function passwordsOf(accounts: Accounts): Pick<Users, 'changePassword' | 'rehash'> {
  return {
    async changePassword(id, { hash, epoch, dropTotp = false }, to, now, by) {
      const account = accounts.get(id)
      if (account?.passwordHash !== hash || account.epoch !== epoch) return undefined
      if (dropTotp && account.totp?.doubtfulSince === undefined) return undefined
      const changes = { passwordHash: to, ...(dropTotp && { totp: undefined }) }
      const all = { ...changes, ...raised(account, now, 'password_changed') }
      return accounts.change(account, all, now, { action: 'password_changed', by })
    },
    async rehash(id, from, to) {
      const account = accounts.get(id)
      if (account?.passwordHash === from) accounts.set({ ...account, passwordHash: to })
    },
  }
}

function factorsOf(
  accounts: Accounts,
): Pick<Users, 'offerTotp' | 'enableTotp' | 'disableTotp' | 'acceptTotpStep' | 'releaseTotpStep'> {
  return {
    async offerTotp(id, secret, now) {
      const account = accounts.get(id)
      if (!account || account.totp?.enabled) return false
      const totp = { secret, enabled: false, lastStep: NO_STEP }
      accounts.change(account, { totp }, now, { action: 'totp_offered' })
      return true
    },
    async enableTotp(id, { secret, step, epoch, spareOthers = false }, now, by) {
      const account = accounts.get(id)
      if (!account?.totp || account.totp.enabled || account.totp.secret !== secret || account.epoch !== epoch) {
        return undefined
      }
      const totp = { secret, enabled: true, lastStep: step }
      const changes = spareOthers
        ? { totp: { ...totp, doubtfulSince: now.getTime() } }
        : { totp, ...raised(account, now, 'factor_changed') }
      return accounts.change(account, changes, now, { action: 'totp_enabled', by })
    },
    async disableTotp(id, epoch, now, by) {
      const account = accounts.get(id)
      if (!account?.totp?.enabled || account.epoch !== epoch) return undefined
      const changes = { totp: undefined, ...raised(account, now, 'factor_changed') }
      return accounts.change(account, changes, now, { action: 'totp_disabled', by })
    },
    async acceptTotpStep(id, step) {
      const account = accounts.get(id)
      if (!account?.totp?.enabled || account.totp.lastStep >= step) return false
      accounts.set({ ...account, totp: { ...account.totp, lastStep: step } })
      return true
    },
    async releaseTotpStep(id, step) {
      const account = accounts.get(id)
      if (account?.totp?.lastStep !== step) return
      accounts.set({ ...account, totp: { ...account.totp, lastStep: step - 1 } })
    },
  }
}
