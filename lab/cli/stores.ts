import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadSecrets } from '../secrets.ts'
import { connectionsOf } from '../start/backing.ts'
import { appEnvironments } from '../start/environment.ts'
import { writeLocalSettings } from '../start/local-settings.ts'
import { migrateDatabase } from '../start/prepare.ts'
import { startStores } from '../stores/start.ts'
import type { Command } from './command.ts'
import { columns } from './output.ts'
import { watchParent } from './parent.ts'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

const usage = `Usage: npm run lab:stores [-- <options>]

Starts the stores alone, with Azurite's blob and queue, and writes local.settings.json, so that a plain \`func start\`
beside it runs the functions under Azure's own host. Ctrl-C stops them.

Options:
  --dir DIR  where data and secrets are kept (default .lab)
  --force    replace a local.settings.json that this command did not write
  --help     this text

DATABASE_URL, REDIS_URL and TABLES_CONNECTION replace the embedded stores, one by one.
`

export const command: Command = {
  name: 'stores',
  summary: 'the stores alone, and local.settings.json for `func start`',
  usage,
  async run(argv, io) {
    const { values } = parseArgs({
      args: [...argv],
      options: { dir: { type: 'string', default: '.lab' }, force: { type: 'boolean', default: false } },
    })
    const dir = resolve(values.dir)
    const { DATABASE_URL, REDIS_URL, TABLES_CONNECTION } = process.env
    const stores = await startStores({
      dir,
      given: { DATABASE_URL, REDIS_URL, TABLES_CONNECTION },
      withBlobAndQueue: true,
      log: (text) => io.err(`${text}\n`),
      onReady: (_, { name, detail }) => io.err(`  ${name} ${detail}\n`),
    })
    try {
      await migrateDatabase(stores.DATABASE_URL)
      const origins = { web: 'http://localhost:8000', functions: 'http://localhost:7071' }
      const connections = connectionsOf(stores)
      const { functions } = appEnvironments({ secrets: await loadSecrets(dir), stores: connections, origins })
      const path = join(PROJECT, 'local.settings.json')
      await writeLocalSettings(path, { settings: functions, storage: stores.TABLES_CONNECTION, force: values.force })
      io.err(`\n${columns(Object.entries(connections).map(([name, value]) => [`  ${name}`, value]))}\n`)
      io.err('\nlocal.settings.json is written. Next: npm run build && func start\nCtrl-C stops the stores.\n')
      await untilStopped(
        io.signal,
        Object.values(stores.running).map((store) => store.ended),
      )
      return io.signal.aborted ? 0 : 1
    } finally {
      await stores.close()
    }
  },
}

function untilStopped(signal: AbortSignal, endings: readonly Promise<unknown>[]): Promise<unknown> {
  const aborted = new Promise<void>((resolve) => {
    const unwatch = watchParent(() => resolve())
    signal.addEventListener('abort', () => {
      unwatch()
      resolve()
    })
    if (signal.aborted) resolve()
  })
  return Promise.race([aborted, ...endings])
}
