import type { QueryConfig } from 'pg'

/**
 * Statements about users. Each change and its audit row are one statement, so neither exists without the other.
 * Concurrent changes of a user wait for each other at the row and then check it again. The statements of every
 * sign-in are named, so a connection parses them once.
 */

const COLUMNS =
  'id, email, password_hash, epoch, created_at, device_tokens, totp_secret, totp_enabled_at IS NOT NULL AS enabled, totp_last_step, CASE WHEN totp_doubtful THEN totp_enabled_at END AS doubtful_since'

/** @param change returns id and epoch of the row it changed @param at the parameter that holds the time */
const audited = (change: string, action: string, at: string, detail = `'{}'::jsonb`): QueryConfig => ({
  text: `WITH changed AS (${change} RETURNING id, epoch),
    logged AS (INSERT INTO audit (at, user_id, action, detail) SELECT ${at}, id, '${action}', ${detail} FROM changed)
    SELECT epoch FROM changed`,
})

export const findByEmail: QueryConfig = {
  name: 'user-by-email',
  text: `SELECT ${COLUMNS} FROM users WHERE lower(email) = lower($1)`,
}
export const findById: QueryConfig = { name: 'user-by-id', text: `SELECT ${COLUMNS} FROM users WHERE id = $1` }
export const readEpoch: QueryConfig = { name: 'user-epoch', text: 'SELECT epoch FROM users WHERE id = $1' }

export const create = audited(
  `INSERT INTO users (id, email, password_hash, created_at, updated_at, device_tokens) VALUES ($1, $2, $3, $4, $4, false)
    ON CONFLICT (lower(email)) DO NOTHING`,
  'registered',
  '$4::timestamptz',
)

export const expectDeviceTokens: QueryConfig = {
  text: 'UPDATE users SET device_tokens = true WHERE id = $1 AND NOT device_tokens',
}

/** Each rise of the epoch stores its time and reason, from which Redis is restored. */
const raised = (at: string, reason: string, containment = 'NULL') =>
  `epoch = epoch + 1, epoch_changed_at = ${at}, epoch_reason = ${reason}, epoch_containment = ${containment}, updated_at = ${at},
    epoch_opened_before = NULL, earlier_epoch = NULL, earlier_changed_at = NULL, earlier_reason = NULL, earlier_containment = NULL`

const bumped = (change: string): QueryConfig => ({
  text: `WITH known AS (SELECT user_id, (detail->>'epoch')::integer AS epoch FROM audit WHERE user_id = $1 AND containment = $4),
    changed AS (UPDATE users SET ${change} WHERE id = $1 AND NOT EXISTS (SELECT FROM known) RETURNING id, epoch),
    logged AS (INSERT INTO audit (at, user_id, action, containment, detail)
      SELECT $3::timestamptz, id, 'sessions_revoked', $4,
        jsonb_build_object('reason', $2::text, 'epoch', epoch, 'containment', $4::text) FROM changed)
    SELECT epoch FROM changed UNION ALL SELECT epoch FROM known`,
})

export const bumpEpoch = bumped(raised('$3', '$2', '$4'))

/** Keeps the earlier revocation that spared no session. Sessions that an earlier cut-off ended stay ended. */
const kept = (earlier: string, column: string) =>
  `${earlier} = CASE WHEN epoch_changed_at IS NOT NULL AND epoch_opened_before IS NULL THEN ${column} ELSE ${earlier} END`

export const bumpEpochSparing = bumped(
  [
    kept('earlier_epoch', 'epoch'),
    kept('earlier_changed_at', 'epoch_changed_at'),
    kept('earlier_reason', 'epoch_reason'),
    kept('earlier_containment', 'epoch_containment'),
    'epoch_opened_before = GREATEST(epoch_opened_before, $5::timestamptz)',
    'epoch = epoch + 1, epoch_changed_at = $3, epoch_reason = $2, epoch_containment = $4, updated_at = $3',
  ].join(', '),
)

export const listRevoked: QueryConfig = {
  name: 'user-revoked',
  text: `SELECT id, epoch, epoch_changed_at, epoch_reason, epoch_containment, epoch_opened_before,
      earlier_epoch, earlier_changed_at, earlier_reason, earlier_containment FROM users
    WHERE epoch_changed_at >= $1 AND (epoch_changed_at, id) < ($3::timestamptz, $4::uuid)
    ORDER BY epoch_changed_at DESC, id DESC LIMIT $2`,
}

const NO_TOTP = 'totp_secret = NULL, totp_enabled_at = NULL, totp_last_step = NULL, totp_doubtful = false'

/** @param by the parameter that holds `{by}` or `{}` */
const withOrigin = (by: string, detail = '') => `jsonb_build_object('epoch', epoch${detail}) || ${by}::jsonb`

const passwordChanged = (more: string, where: string, detail: string) =>
  audited(
    `UPDATE users SET password_hash = $3, ${more} ${raised('$4', `'password_changed'`)}
      WHERE id = $1 AND password_hash = $2 AND epoch = $5 ${where}`,
    'password_changed',
    '$4::timestamptz',
    withOrigin('$6', detail),
  )
export const changePassword = passwordChanged('', '', '')
export const changePasswordAndDropTotp = passwordChanged(`${NO_TOTP},`, 'AND totp_doubtful', `, 'totp_disabled', true`)

export const rehash: QueryConfig = {
  text: 'UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2',
}

export const offerTotp = audited(
  `UPDATE users SET totp_secret = $2, totp_last_step = NULL, updated_at = $3
    WHERE id = $1 AND totp_enabled_at IS NULL`,
  'totp_offered',
  '$3::timestamptz',
)

const enabled = (others: string) =>
  audited(
    `UPDATE users SET totp_enabled_at = $4, totp_last_step = $3, ${others}
      WHERE id = $1 AND totp_secret = $2 AND totp_enabled_at IS NULL AND epoch = $5`,
    'totp_enabled',
    '$4::timestamptz',
    withOrigin('$6'),
  )
export const enableTotp = enabled(`totp_doubtful = false, ${raised('$4', `'factor_changed'`)}`)
export const enableTotpSparingOthers = enabled('totp_doubtful = true, updated_at = $4')

export const disableTotp = audited(
  `UPDATE users SET ${NO_TOTP}, ${raised('$3', `'factor_changed'`)}
    WHERE id = $1 AND totp_enabled_at IS NOT NULL AND epoch = $2`,
  'totp_disabled',
  '$3::timestamptz',
  withOrigin('$4'),
)

export const endSessions = audited(
  `UPDATE users SET ${raised('$3', `'ended_elsewhere'`)} WHERE id = $1 AND epoch = $2`,
  'sessions_ended',
  '$3::timestamptz',
  withOrigin('$4'),
)

/** By the index of the user, newest first. */
export const listChanges: QueryConfig = {
  name: 'user-changes',
  text: `SELECT at, action, containment, detail->'by' AS by FROM audit
    WHERE user_id = $1 AND at >= $2 AND action <> 'totp_offered' ORDER BY at DESC, id DESC LIMIT $3`,
}

export const purgeAudit: QueryConfig = {
  text: 'DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY at LIMIT $2)',
}

export const acceptTotpStep: QueryConfig = {
  name: 'user-totp-step',
  text: `UPDATE users SET totp_last_step = $2
    WHERE id = $1 AND totp_enabled_at IS NOT NULL AND totp_last_step < $2 RETURNING id`,
}

export const releaseTotpStep: QueryConfig = {
  name: 'user-totp-step-release',
  text: 'UPDATE users SET totp_last_step = totp_last_step - 1 WHERE id = $1 AND totp_last_step = $2',
}
