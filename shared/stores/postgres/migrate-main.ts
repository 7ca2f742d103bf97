import { ConfigError, parseMigrateConfig } from '../../config.ts'
import { postgresTls, warnOfInsecureTls } from '../tls.ts'
import { migrate } from './migrate.ts'

/** Migrates the database of `DATABASE_URL`. A release runs this before it starts. */
async function main(): Promise<number> {
  try {
    const config = parseMigrateConfig(process.env)
    warnOfInsecureTls(config, console.error)
    const applied = await migrate(config.DATABASE_URL.reveal(), { tls: postgresTls(config) })
    console.log(applied.length > 0 ? applied.map((name) => `applied ${name}`).join('\n') : 'nothing to apply')
    return 0
  } catch (error) {
    if (error instanceof ConfigError) {
      console.error(error.message)
      return 1
    }
    // The message only: a connection's error object may carry its password.
    console.error(`The database could not be migrated: ${reasonOf(error)}`)
    return 1
  }
}

/** A refused connection is an AggregateError without a message: one error for each address tried. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

process.exitCode = await main()
