import type pg from 'pg'
import { codeOf } from '../../../shared/error.ts'
import type { AccountChange, Origin, RevokedUser, User, Users } from '../../../shared/stores/port.ts'
import * as sql from './user-statements.ts'

interface UserRow {
  id: string
  email: string
  password_hash: string
  epoch: number
  created_at: Date
  device_tokens: boolean
  totp_secret: string | null
  enabled: boolean
  /** A bigint, which the driver returns as text. */
  totp_last_step: string | null
  doubtful_since: Date | null
}

/** The value of `lastStep` before any step was accepted: below every real step. */
const NO_STEP = -1
/** Above every id, so that the first page begins at the top. @see RFC 9562 5.10 */
const NOBODY = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const userOf = (row: UserRow): User => ({
  id: row.id,
  email: row.email,
  passwordHash: row.password_hash,
  epoch: row.epoch,
  createdAt: row.created_at,
  deviceTokens: row.device_tokens,
  ...(row.totp_secret === null
    ? {}
    : {
        totp: {
          secret: row.totp_secret,
          enabled: row.enabled,
          lastStep: Number(row.totp_last_step ?? NO_STEP),
          ...(row.doubtful_since && { doubtfulSince: row.doubtful_since.getTime() }),
        },
      }),
})

interface RevokedRow {
  id: string
  epoch: number
  epoch_changed_at: Date
  epoch_reason: RevokedUser['reason']
  epoch_containment: string | null
  epoch_opened_before: Date | null
  earlier_epoch: number | null
  earlier_changed_at: Date | null
  earlier_reason: RevokedUser['reason'] | null
  earlier_containment: string | null
}

function revokedOf(row: RevokedRow): RevokedUser {
  const { id, epoch, epoch_reason: reason, epoch_changed_at: at, epoch_opened_before: openedBefore } = row
  const { earlier_epoch, earlier_changed_at, earlier_reason } = row
  return {
    id,
    epoch,
    reason,
    at: at.getTime(),
    ...containmentOf(row.epoch_containment),
    ...(openedBefore && { openedBefore: openedBefore.getTime() }),
    ...(earlier_epoch !== null &&
      earlier_changed_at !== null &&
      earlier_reason !== null && {
        earlier: {
          epoch: earlier_epoch,
          reason: earlier_reason,
          at: earlier_changed_at.getTime(),
          ...containmentOf(row.earlier_containment),
        },
      }),
  }
}

const containmentOf = (id: string | null) => (id === null ? {} : { containmentId: id })

interface ChangeRow {
  at: Date
  action: AccountChange['action']
  containment: string | null
  by: Origin | null
}

const changeOf = ({ at, action, containment, by }: ChangeRow): AccountChange => ({
  at,
  action,
  ...containmentOf(containment),
  ...(by && { by }),
})

const detailOf = (by: Origin | undefined): string => JSON.stringify(by ? { by } : {})

/** SQLSTATE of a violated unique index. */
const UNIQUE_VIOLATION = '23505'

/** Users in Postgres. A change and its audit row are one statement, and so one transaction. */
export function createUsers(pool: pg.Pool): Users {
  async function first<Row extends pg.QueryResultRow>(query: pg.QueryConfig, values: unknown[]) {
    const { rows } = await pool.query<Row>({ ...query, values })
    return rows[0]
  }
  /** Runs a statement about one user. An id that is not a UUID matches nobody; Postgres would throw. */
  const ofUser = async <Row extends pg.QueryResultRow>(query: pg.QueryConfig, id: string, ...values: unknown[]) =>
    UUID.test(id) ? first<Row>(query, [id, ...values]) : undefined
  const changed = async (query: pg.QueryConfig, id: string, ...values: unknown[]) =>
    (await ofUser(query, id, ...values)) !== undefined
  const epochOf = async (query: pg.QueryConfig, id: string, ...values: unknown[]) =>
    (await ofUser<{ epoch: number }>(query, id, ...values))?.epoch

  return {
    async create({ id, email, passwordHash }, now) {
      return (await first(sql.create, [id, email, passwordHash, now])) ? 'created' : 'existing'
    },
    async findByEmail(email) {
      const row = await first<UserRow>(sql.findByEmail, [email])
      return row && userOf(row)
    },
    async findById(id) {
      const row = await ofUser<UserRow>(sql.findById, id)
      return row && userOf(row)
    },
    readEpoch: (id) => epochOf(sql.readEpoch, id),
    async expectDeviceTokens(id) {
      await ofUser(sql.expectDeviceTokens, id)
    },
    async bumpEpoch(id, { reason, containmentId = null, openedBefore }, now) {
      const [statement, ...more] =
        openedBefore === undefined ? [sql.bumpEpoch] : [sql.bumpEpochSparing, new Date(openedBefore)]
      const bump = () => epochOf(statement, id, reason, now, containmentId, ...more)
      return bump().catch((error: unknown) => {
        // The same containment raised it at the same moment: its row exists now.
        if (codeOf(error) !== UNIQUE_VIOLATION) throw error
        return bump()
      })
    },
    async listRevoked(since, limit, before) {
      const values = [since, limit, before ? new Date(before.at) : 'infinity', before?.id ?? NOBODY]
      const { rows } = await pool.query<RevokedRow>({ ...sql.listRevoked, values })
      return rows.map(revokedOf)
    },
    changePassword: (id, { hash, epoch, dropTotp = false }, to, now, by) =>
      epochOf(dropTotp ? sql.changePasswordAndDropTotp : sql.changePassword, id, hash, to, now, epoch, detailOf(by)),
    async rehash(id, from, to) {
      await ofUser(sql.rehash, id, from, to)
    },
    offerTotp: (id, secret, now) => changed(sql.offerTotp, id, secret, now),
    enableTotp: (id, { secret, step, epoch, spareOthers = false }, now, by) =>
      epochOf(spareOthers ? sql.enableTotpSparingOthers : sql.enableTotp, id, secret, step, now, epoch, detailOf(by)),
    disableTotp: (id, epoch, now, by) => epochOf(sql.disableTotp, id, epoch, now, detailOf(by)),
    endSessions: (id, epoch, now, by) => epochOf(sql.endSessions, id, epoch, now, detailOf(by)),
    async listChanges(id, since, limit) {
      if (!UUID.test(id)) return []
      const { rows } = await pool.query<ChangeRow>({ ...sql.listChanges, values: [id, since, limit] })
      return rows.map(changeOf)
    },
    async purgeAudit(before, atMost) {
      const { rowCount } = await pool.query({ ...sql.purgeAudit, values: [before, atMost] })
      return rowCount ?? 0
    },
    acceptTotpStep: (id, step) => changed(sql.acceptTotpStep, id, step),
    async releaseTotpStep(id, step) {
      await ofUser(sql.releaseTotpStep, id, step)
    },
  }
}
