import { startFixtureLab } from './lab.ts'

/** Runs a lab in a separate process, which a test may kill. Prints run.json once it is ready. */
const [dir = '', databaseUrl = '', tablesConnection = ''] = process.argv.slice(2)
const lab = await startFixtureLab(dir, { given: { DATABASE_URL: databaseUrl, TABLES_CONNECTION: tablesConnection } })
console.log(JSON.stringify(await lab.run()))
