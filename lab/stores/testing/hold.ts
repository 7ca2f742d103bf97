import { startStores } from '../start.ts'

/** Starts the stores of a lab in the given directory, prints their process ids, and keeps them running. */
const stores = await startStores({ dir: process.argv[2] ?? '', log: (text) => console.error(text) })
const { DATABASE_URL, REDIS_URL, TABLES_CONNECTION } = stores
const pids = Object.fromEntries(Object.entries(stores.running).map(([name, { pid }]) => [name, pid]))
process.once('SIGTERM', () => void stores.close().then(() => process.exit(0)))
console.log(JSON.stringify({ DATABASE_URL, REDIS_URL, TABLES_CONNECTION, pids }))
setInterval(() => {}, 60_000)
