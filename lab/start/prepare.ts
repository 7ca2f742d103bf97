import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { migrate } from '../../shared/stores/postgres/migrate.ts'
import { storeTls } from '../../shared/stores/tls.ts'

/** Builds the apps from their sources, as for a deployment. @throws with the compiler's output */
export async function buildApps(root: string): Promise<void> {
  const { build } = (await import(pathToFileURL(join(root, 'build.mjs')).href)) as { build: () => Promise<unknown> }
  await build()
}

/** Migrates the database to the schema of this version. */
export async function migrateDatabase(databaseUrl: string): Promise<void> {
  await migrate(databaseUrl, { tls: storeTls(databaseUrl, { lab: true }) })
}
