import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import pg from 'pg'
import { withoutTlsParameters } from '../tls.ts'

export interface MigrateOptions {
  /** The folder of the `NNNN-name.sql` files; the one beside this module by default. */
  directory?: URL | undefined
  /** The decision of `storeTls`. Without it the connection is plain, whatever the URL says. */
  tls?: ConnectionOptions | undefined
}

/** Migrations that do not fit the database; the message names the file and what to do. */
class MigrationError extends Error {
  override readonly name = 'MigrationError'
}

interface Migration {
  name: string
  sql: string
  checksum: string
}

const FILE = /^\d{4}-[a-z0-9-]+\.sql$/
/** The number of the advisory lock, used by nothing else: the bytes of "ato". */
const LOCK = 0x61_74_6f
const CONNECT_MS = 10_000

/**
 * Migrates a database: applies each missing file in order, in its own transaction. Two processes may run it at once:
 * the second waits and finds nothing to do. Files that the database knows and the folder lacks are ignored, so that
 * an older release still starts.
 * @returns the names of the applied files
 * @throws MigrationError if an applied file has changed, a new file sorts before an applied one, or a file fails
 */
export async function migrate(databaseUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  const migrations = await readMigrations(options.directory ?? new URL('./migrations/', import.meta.url))
  const client = new pg.Client({
    connectionString: withoutTlsParameters(databaseUrl),
    ssl: options.tls ?? false,
    connectionTimeoutMillis: CONNECT_MS,
    application_name: 'mini-ato-saas migrate',
  })
  await client.connect()
  try {
    // A deployment that cannot get its lock must fail, not hang.
    await client.query("SET lock_timeout = '60s'")
    await client.query('SELECT pg_advisory_lock($1)', [LOCK])
    return await applyAll(migrations, client)
  } finally {
    // Releases the lock as well.
    await client.end()
  }
}

async function readMigrations(directory: URL): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort()
  const misnamed = names.find((name) => !FILE.test(name))
  if (misnamed) throw new MigrationError(`${misnamed}: a migration is called NNNN-name.sql`)
  const twin = names.find((name, index) => name.slice(0, 4) === names[index + 1]?.slice(0, 4))
  if (twin) throw new MigrationError(`${twin}: another migration has the same number`)
  return Promise.all(
    names.map(async (name) => {
      // A checkout with different line ends is the same migration.
      const sql = (await readFile(new URL(name, directory), 'utf8')).replaceAll('\r\n', '\n')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

async function applyAll(migrations: readonly Migration[], client: pg.Client): Promise<string[]> {
  await client.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`)
  const { rows } = await client.query<{ name: string; checksum: string }>(
    'SELECT name, checksum FROM schema_migrations ORDER BY name',
  )
  const applied = new Map(rows.map((row) => [row.name, row.checksum]))
  const last = rows.at(-1)?.name ?? ''
  const due = migrations.filter(({ name }) => !applied.has(name))
  for (const { name, checksum } of migrations) {
    const known = applied.get(name)
    if (known === undefined && name < last)
      throw new MigrationError(`${name}: sorts before ${last}, which is applied already; give it a higher number`)
    if (known !== undefined && known !== checksum) {
      throw new MigrationError(`${name}: has changed since it was applied; put the change into a new migration`)
    }
  }
  for (const migration of due) await apply(migration, client)
  return due.map(({ name }) => name)
}

async function apply({ name, sql, checksum }: Migration, client: pg.Client): Promise<void> {
  try {
    await client.query('BEGIN')
    await client.query(sql)
    await client.query('INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)', [name, checksum])
    await client.query('COMMIT')
  } catch (cause) {
    await client.query('ROLLBACK').catch(() => {})
    throw new MigrationError(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
