import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createDeps } from '../../functions/deps.ts'
import { parseFunctionsConfig } from '../../shared/config.ts'
import { NotPossible, retry, undo } from '../../shared/containment/operate.ts'
import { createLog } from '../../shared/log.ts'
import type { Containment, ContainmentState } from '../../shared/stores/port.ts'
import { readRunFile } from '../run-file.ts'
import { loadSecrets } from '../secrets.ts'
import { appEnvironments } from '../start/environment.ts'
import { type Command, type Io, UsageError } from './command.ts'
import { columns, json } from './output.ts'

const STATES: readonly ContainmentState[] = ['pending', 'done', 'held', 'failed', 'undone', 'closed']

const usage = `Usage: npm run contain -- list [--state STATE] [--json]
       npm run contain -- show ID [--json]
       npm run contain -- retry ID [--json]
       npm run contain -- undo ID [--json]

The containment ledger: what was done about each alert, and what waits for a person.

  list   newest first
  show   one containment, whole
  retry  carries out one that is held, failed or pending: for a held one this is the approval
  undo   takes one back: lifts a block at once; a revoked session stays dead, its owner signs in again

ID is a containment's id or a beginning of it that only one has.

It works with the configuration in the environment (that of the functions: docs/configuration.md); without DATABASE_URL
there, on the lab that runs. The event of what it does is printed on stderr: ship it with your audit log.

Options:
  --state STATE  ${STATES.join(', ')}
  --dir DIR      the lab's directory (default .lab)
  --json         one JSON document on stdout
`

export const command: Command = {
  name: 'contain',
  summary: 'the containment ledger: list, show, retry, undo',
  usage,
  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        state: { type: 'string' },
        dir: { type: 'string', default: '.lab' },
        json: { type: 'boolean', default: false },
      },
    })
    const [verb = '', id, ...rest] = positionals
    const state = STATES.find((known) => known === values.state)
    if (values.state !== undefined && !state) throw new UsageError(`--state takes one of: ${STATES.join(', ')}`)
    if (rest.length > 0) throw new UsageError(`What is ${rest[0]}?`)
    const act = verb === 'list' && id === undefined ? undefined : ACTS.get(verb)
    if (verb !== 'list' && !act) throw new UsageError('Say list, show, retry or undo.')
    if (act && id === undefined) throw new UsageError(`Which one? npm run contain -- ${verb} ID`)
    if (verb === 'list' && id !== undefined) throw new UsageError(`What is ${id}?`)

    const deps = await connect(resolve(values.dir), io)
    try {
      if (!act || id === undefined) {
        const rows = await deps.containments.list(state ? { states: [state] } : {})
        if (values.json) json(io, rows)
        else if (rows.length === 0) io.err('No containments.\n')
        else io.out(`${table(rows)}\n`)
        return 0
      }
      const row = await findRow(id, deps)
      if (!row) {
        io.err(`There is no containment ${id}. npm run contain -- list\n`)
        return 1
      }
      const moved = await act(row, randomUUID(), deps)
      if (values.json) json(io, moved)
      else io.out(`${describe(moved)}\n`)
      return 0
    } catch (error) {
      if (!(error instanceof NotPossible)) throw error
      io.err(`Not possible: ${error.message}.\n`)
      return 1
    } finally {
      await deps.close()
    }
  },
}

type Deps = ReturnType<typeof createDeps>
type Act = (row: Containment, requestId: string, deps: Deps) => Promise<Containment>
const ACTS = new Map<string, Act>([
  ['show', async (row) => row],
  ['retry', retry],
  ['undo', undo],
])

/** @throws when neither the environment nor a lab says where the ledger is */
async function connect(dir: string, io: Io): Promise<Deps> {
  const env = process.env.DATABASE_URL ? process.env : await labEnvironment(dir)
  const config = parseFunctionsConfig(env)
  const log = createLog({ service: config.DD_SERVICE, env: config.DD_ENV }, { write: (line: string) => io.err(line) })
  const hashWorker = fileURLToPath(new URL('../../dist/hash-worker.cjs', import.meta.url))
  return createDeps(config, { hashWorker }, log)
}

async function labEnvironment(dir: string): Promise<Readonly<Record<string, string>>> {
  const run = await readRunFile(dir)
  if (!run) {
    throw new Error(
      'No lab runs here and DATABASE_URL is not set. Start one (npm start), or set the deployment’s variables.',
    )
  }
  const { web, functions } = run.urls
  const mail = { smtpUrl: 'smtp://127.0.0.1:1', mailboxUrl: `${run.urls.datadog}/mail` } // this command sends none
  return appEnvironments({ secrets: await loadSecrets(dir), stores: run.stores, origins: { web, functions }, mail })
    .functions
}

async function findRow(id: string, deps: Deps): Promise<Containment | undefined> {
  const rows = (await deps.containments.list({})).filter((row) => row.id.startsWith(id))
  if (rows.length > 1) throw new NotPossible(`${rows.length} containments begin with ${id}; give more of the id`)
  return rows[0]
}

function table(rows: readonly Containment[]): string {
  const lines = rows.map((row) => [
    row.id.slice(0, 12),
    row.createdAt.toISOString(),
    row.detection,
    row.scope,
    row.action,
    row.reason ? `${row.state} (${row.reason})` : row.state,
    row.result ? `${row.result} via ${row.via}` : '',
  ])
  return columns([['id', 'since', 'detection', 'subject', 'action', 'state', 'result'], ...lines])
}

const describe = (row: Containment): string =>
  columns(
    Object.entries(row).map(([name, value]) => [
      `${name}:`,
      value instanceof Date ? value.toISOString() : String(value ?? ''),
    ]),
  )
