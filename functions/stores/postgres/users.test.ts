import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { connectPostgres } from '../../../shared/stores/connect.ts'
import { usersContract } from '../../../shared/stores/contract/users.ts'
import { migrate } from '../../../shared/stores/postgres/migrate.ts'
import { createUsers } from './users.ts'

const { pool, close } = connectPostgres(inject('databaseUrl'))
const users = createUsers(pool)
const NOW = new Date('2026-03-01T12:00:00Z')
beforeAll(async () => void (await migrate(inject('databaseUrl'))))
afterAll(close)

usersContract(users)

async function auditOf(id: string) {
  const { rows } = await pool.query('SELECT action, at, detail FROM audit WHERE user_id = $1 ORDER BY id', [id])
  return rows
}

test('every change leaves an audit row; a call without a change leaves none', async () => {
  const id = randomUUID()
  const email = `${id}@example.com`
  await users.create({ id, email, passwordHash: 'h1' }, NOW)
  await users.create({ id: randomUUID(), email, passwordHash: 'h1' }, NOW)
  await users.bumpEpoch(id, { reason: 'contained', containmentId: 'c-1' }, NOW)
  await users.rehash(id, 'h1', 'h1b')
  await users.changePassword(id, { hash: 'h1b', epoch: 2 }, 'h2', NOW)
  await users.changePassword(id, { hash: 'h1b', epoch: 3 }, 'h3', NOW)
  await users.offerTotp(id, 'secret', NOW)
  await users.enableTotp(id, { secret: 'wrong', step: 1, epoch: 3 }, NOW)
  await users.enableTotp(id, { secret: 'secret', step: 1, epoch: 3 }, NOW)
  await users.disableTotp(id, 4, NOW)
  expect(await auditOf(id)).toEqual([
    { action: 'registered', at: NOW, detail: {} },
    { action: 'sessions_revoked', at: NOW, detail: { reason: 'contained', epoch: 2, containment: 'c-1' } },
    { action: 'password_changed', at: NOW, detail: { epoch: 3 } },
    { action: 'totp_offered', at: NOW, detail: {} },
    { action: 'totp_enabled', at: NOW, detail: { epoch: 4 } },
    { action: 'totp_disabled', at: NOW, detail: { epoch: 5 } },
  ])
})

test('a change whose audit row cannot be written does not happen', async () => {
  const id = randomUUID()
  await users.create({ id, email: `${id}@example.com`, passwordHash: 'h1' }, NOW)
  const refuse = `refuse_${id.replaceAll('-', '')}`
  await pool.query(`CREATE FUNCTION ${refuse}() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'audit is full'; END $$`)
  await pool.query(`CREATE TRIGGER ${refuse} BEFORE INSERT ON audit FOR EACH ROW WHEN (NEW.user_id = '${id}')
    EXECUTE FUNCTION ${refuse}()`)
  await expect(users.bumpEpoch(id, { reason: 'contained', containmentId: 'c-1' }, NOW)).rejects.toThrow('audit is full')
  await pool.query(`DROP FUNCTION ${refuse} CASCADE`)
  expect(await users.readEpoch(id)).toBe(1)
})

test('no audit row holds a secret', async () => {
  const id = randomUUID()
  const canary = `canary-${id.slice(0, 8)}`
  await users.create({ id, email: `${id}@example.com`, passwordHash: canary }, NOW)
  await users.changePassword(id, { hash: canary, epoch: 1 }, `${canary}-2`, NOW)
  await users.offerTotp(id, canary, NOW)
  await users.enableTotp(id, { secret: canary, step: 1, epoch: 2 }, NOW)
  expect(JSON.stringify(await auditOf(id))).not.toContain(canary)
})
