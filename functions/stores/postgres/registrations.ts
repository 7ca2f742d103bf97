import { createHash } from 'node:crypto'
import type pg from 'pg'
import type { Registrations } from '../../../shared/stores/port.ts'

/** The same statement with and without a link, so that its time does not reveal whether the address has an account. */
const ADD: pg.QueryConfig = {
  name: 'registration-add',
  text: `INSERT INTO registrations (token_hash, email, password_hash, registration_hash, created_at, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (token_hash) DO UPDATE
      SET password_hash = EXCLUDED.password_hash, registration_hash = EXCLUDED.registration_hash,
        created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at`,
}

/** One statement, so that concurrent attempts are counted one after the other. */
const TRY: pg.QueryConfig = {
  text: `UPDATE registrations SET tries = tries + 1 WHERE token_hash = $1 AND tries < $2 AND expires_at > $3
    RETURNING password_hash`,
}

const RELEASE: pg.QueryConfig = {
  text: 'UPDATE registrations SET tries = tries - 1 WHERE token_hash = $1 AND tries > 0',
}

/**
 * One statement, and so one transaction. Two confirmations of one address wait for each other at its rows, and the
 * second finds none.
 */
const CONFIRM: pg.QueryConfig = {
  text: `WITH removed AS (
      DELETE FROM registrations
        WHERE lower(email) = (SELECT lower(email) FROM registrations WHERE token_hash = $1 AND expires_at > $3
          AND (registration_hash = $4 OR password_hash = $5))
        RETURNING token_hash, email, password_hash),
    created AS (
      INSERT INTO users (id, email, password_hash, created_at, updated_at, device_tokens)
        SELECT $2, email, password_hash, $3, $3, false FROM removed WHERE token_hash = $1
        ON CONFLICT (lower(email)) DO NOTHING RETURNING id, email),
    logged AS (INSERT INTO audit (at, user_id, action) SELECT $3, id, 'registered' FROM created)
    SELECT id, email FROM created`,
}

const PURGE: pg.QueryConfig = {
  text: `DELETE FROM registrations WHERE token_hash IN (
    SELECT token_hash FROM registrations WHERE expires_at <= $1 LIMIT $2)`,
}

const unsent = (email: string): string => `unsent:${createHash('sha256').update(email.toLowerCase()).digest('hex')}`

/** Registrations in Postgres. */
export function createRegistrations(pool: pg.Pool): Registrations {
  return {
    async add({ email, passwordHash, tokenHash, registrationHash, expiresAt }, now) {
      const values = [tokenHash ?? unsent(email), email, passwordHash, registrationHash, now, expiresAt]
      await pool.query({ ...ADD, values })
    },
    async tryPassword(tokenHash, atMost, now) {
      const { rows } = await pool.query<{ password_hash: string }>({ ...TRY, values: [tokenHash, atMost, now] })
      return rows[0]?.password_hash
    },
    async releaseTry(tokenHash) {
      await pool.query({ ...RELEASE, values: [tokenHash] })
    },
    async confirm(tokenHash, proof, userId, now) {
      const byAnswer = 'registrationHash' in proof ? proof.registrationHash : null
      const byPassword = 'passwordHash' in proof ? proof.passwordHash : null
      const values = [tokenHash, userId, now, byAnswer, byPassword]
      const { rows } = await pool.query<{ id: string; email: string }>({ ...CONFIRM, values })
      return rows[0]
    },
    async purge(now, atMost) {
      const { rowCount } = await pool.query({ ...PURGE, values: [now, atMost] })
      return rowCount ?? 0
    },
  }
}
