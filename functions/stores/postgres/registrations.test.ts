import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { connectPostgres } from '../../../shared/stores/connect.ts'
import { registrationsContract } from '../../../shared/stores/contract/registrations.ts'
import { migrate } from '../../../shared/stores/postgres/migrate.ts'
import { createRegistrations } from './registrations.ts'
import { createUsers } from './users.ts'

const { pool, close } = connectPostgres(inject('databaseUrl'))
const registrations = createRegistrations(pool)
beforeAll(async () => void (await migrate(inject('databaseUrl'))))
afterAll(close)

registrationsContract(registrations, createUsers(pool))

test('a confirmation leaves the audit row of the account; a refused one leaves none', async () => {
  const [id, token] = [randomUUID(), randomUUID()]
  const [now, expiresAt] = [new Date('2026-03-01T12:00:00Z'), new Date('2026-03-02T12:00:00Z')]
  const email = `${id}@example.com`
  const registrationHash = randomUUID()
  await registrations.add({ email, passwordHash: 'h1', tokenHash: token, registrationHash, expiresAt }, now)
  await registrations.confirm(token, { registrationHash }, id, now)
  await registrations.confirm(token, { registrationHash }, randomUUID(), now)
  const { rows } = await pool.query('SELECT action, at, detail FROM audit WHERE user_id = $1', [id])
  expect(rows).toEqual([{ action: 'registered', at: now, detail: {} }])
})
