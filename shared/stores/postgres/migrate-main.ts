import { migrate } from './migrate.ts'

/** Brings the database of `DATABASE_URL` up to date: what a release runs before it starts. */
async function main(): Promise<number> {
  const url = process.env.DATABASE_URL
  if (!url) {
    console.error('DATABASE_URL: is missing')
    return 1
  }
  try {
    const applied = await migrate(url)
    console.log(applied.length > 0 ? applied.map((name) => `applied ${name}`).join('\n') : 'nothing to apply')
    return 0
  } catch (error) {
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
