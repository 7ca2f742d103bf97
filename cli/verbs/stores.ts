import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, columns, readArguments, wholeNumber } from 'alertproof/cli'
import { type ServedMailbox, serveMailbox } from '../../lab/mailbox/serve.ts'
import { freePort } from '../../lab/processes/ports.ts'
import { connectionsOf } from '../../lab/start/backing.ts'
import { appEnvironments } from '../../lab/start/environment.ts'
import { writeLocalSettings } from '../../lab/start/local-settings.ts'
import { migrateDatabase } from '../../lab/start/prepare.ts'
import { loadSecrets } from '../../lab/start/secrets.ts'
import { startStores } from '../../lab/stores/start.ts'
import { watchParent } from '../parent.ts'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

const USAGE = `Usage: npm run lab:stores [-- <options>]

Starts the stores, Azurite's blob and queue services and a mailbox, and writes local.settings.json. Then \`func start\` in
another terminal runs the functions under Azure's own host. Ctrl-C stops the stores and the mailbox.

Options:
  --port N            port of web (default 8000, or a free port if that is taken)
  --functions-port N  port on which \`func start\` listens (default 7071, or a free port if that is taken)
  --settings FILE     write FILE instead of local.settings.json
  --dir DIR           directory of data and secrets (default .lab)
  --force             replace a settings file that this command did not write
  --help              this text

DATABASE_URL, REDIS_URL and TABLES_CONNECTION each replace one embedded store.
`

export const command: Command = {
  name: 'stores',
  summary: 'start only the stores, and write local.settings.json for `func start`',
  usage: USAGE,
  async run(argv, io) {
    const values = readOptions(argv)
    const dir = resolve(values.dir)
    const { DATABASE_URL, REDIS_URL, TABLES_CONNECTION } = process.env
    const stores = await startStores({
      dir,
      given: { DATABASE_URL, REDIS_URL, TABLES_CONNECTION },
      withBlobAndQueue: true,
      log: (text) => io.err(`${text}\n`),
      onReady: (_, { name, detail }) => io.err(`  ${name} ${detail}\n`),
    })
    let mailbox: ServedMailbox | undefined
    try {
      await migrateDatabase(stores.DATABASE_URL)
      const ports = await portsOf(values)
      const origins = { web: `http://localhost:${ports.web}`, functions: `http://localhost:${ports.functions}` }
      const connections = connectionsOf(stores)
      mailbox = await serveMailbox(await freePort(8126), (line) => io.err(`${line}\n`))
      const secrets = await loadSecrets(dir)
      const { functions } = appEnvironments({ secrets, stores: connections, origins, mail: mailbox })
      await writeLocalSettings(values.settings, {
        settings: functions,
        storage: stores.TABLES_CONNECTION,
        port: ports.functions,
        force: values.force,
      })
      const facts = { ...connections, WEB_ORIGIN: origins.web, FUNCTIONS_ORIGIN: origins.functions }
      io.err(`\n${columns(Object.entries(facts).map(([name, value]) => [`  ${name}`, value]))}\n`)
      io.err(`\n${values.settings} is written. Next: npm run build && func start, which listens on port ${ports.functions}.
Mail of the functions is shown at ${mailbox.mailboxUrl}. To confirm a registration, open the link of the mail, or POST its
token and the registered password to ${origins.functions}/api/auth/confirm.
If web does not answer at WEB_ORIGIN, functions revokes sessions itself.
Ctrl-C stops the stores.\n`)
      await untilStopped(
        io.signal,
        Object.values(stores.running).map((store) => store.ended),
      )
      return io.signal.aborted ? 0 : 1
    } finally {
      await mailbox?.close()
      await stores.close()
    }
  },
}

function readOptions(argv: readonly string[]) {
  const { values } = readArguments({
    args: [...argv],
    options: {
      port: { type: 'string' },
      'functions-port': { type: 'string' },
      settings: { type: 'string', default: join(PROJECT, 'local.settings.json') },
      dir: { type: 'string', default: '.lab' },
      force: { type: 'boolean', default: false },
    },
  })
  const port = (name: 'port' | 'functions-port') => {
    const text = values[name]
    return text === undefined ? undefined : wholeNumber(`--${name}`, text, 1, 65_535)
  }
  return { ...values, port: port('port'), functionsPort: port('functions-port') }
}

/**
 * A given port is used even if it is taken, because its program may be running already. A default port is used only if it is
 * free: otherwise functions would send its signed calls to another program, and `func start` would fail.
 */
async function portsOf(wanted: { port: number | undefined; functionsPort: number | undefined }) {
  const web = wanted.port ?? (await freePort(8000))
  const functions = wanted.functionsPort ?? (await freePort(7071))
  return { web, functions }
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
