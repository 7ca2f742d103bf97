import { startFixtureLab } from './lab.ts'

/** Runs a lab in a process of its own, which a test may kill; says what run.json says when it is ready. */
const [dir, databaseUrl, tablesConnection] = process.argv.slice(2) as [string, string, string]
const lab = await startFixtureLab(dir, { given: { DATABASE_URL: databaseUrl, TABLES_CONNECTION: tablesConnection } })
console.log(JSON.stringify(await lab.run()))
