import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { type Command, fitted, type Io, json, readArguments, UsageError, unknownName, wrapped } from 'alertproof/cli'
import type { Decision } from '../../functions/contain/row.ts'
import type { FunctionsDeps } from '../../functions/deps.ts'
import { actOnAll, type Item } from '../../ops/contain/act.ts'
import { NotPossible, retry, undo } from '../../ops/contain/operate.ts'
import { watch } from '../../ops/contain/watch.ts'
import type { Containment, ContainmentState } from '../../shared/stores/port.ts'
import { readDecision } from '../contain/decision.ts'
import { openLedger } from '../contain/ledger.ts'
import { changeLine, describe, table } from '../contain/print.ts'
import { Progress } from '../contain/progress.ts'
import { isEmpty, REASONS, readSelection, type Selection, STATES, select } from '../contain/selection.ts'
import { sentenceOf } from '../contain/sentence.ts'

const USAGE = `Usage: npm run contain -- list [FILTER…] [--json]
       npm run contain -- show ID… [--json]
       npm run contain -- watch [FILTER…] [--json]
       npm run contain -- approve|retry|undo ID… [--why TEXT] [--dry-run] [--json]
       npm run contain -- approve|retry|undo --all [FILTER…] --why TEXT [--dry-run] [--json]

Shows and changes the containment ledger, which records the action for each alert and the actions that wait for approval.

  list     list containments, newest first
  show     show all fields of a containment
  watch    print new and changed containments until Ctrl-C
  approve  carry out a held containment, regardless of its age and of the cap
  retry    carry out a failed or pending containment; a held one is approved by this
  undo     take a containment back: a block is lifted at once; a revoked session stays revoked, its owner signs in again

ID is the id of a containment or a unique beginning of it. --all takes every row that matches the filters and that is held
(approve), failed (retry), or done, held, failed or pending (undo, which requires a filter). Pending containments continue
by themselves; retry --state pending exempts them from the cap. Up to 16 rows are processed at a time. Ctrl-C completes
those and prints how many are left.

Each row and its event record who decides (ATO_OPERATOR, or the user of this machine) and why. Events are sent to Datadog's
log intake if DD_API_KEY is set, and to the lab's log in a lab. Otherwise they are printed on stderr: add them to your audit
log.

The configuration is that of the functions (docs/configuration.md), read from the environment. Without DATABASE_URL the
running lab is used.

Filters:
  --state STATE     ${STATES.join(', ')}
  --reason REASON   ${REASONS.slice(0, 4).join(', ')},
                    ${REASONS.slice(4).join(', ')}
  --detection NAME  slug of a detection, such as session-reuse
  --since WHEN      created at or after: 45s, 90m, 1h or 2d ago, or 2026-03-01T12:00:00Z

Options:
  --all             act on every row that matches the filters, instead of ids
  --why TEXT        reason, at most 256 characters; a terminal prompts for it
  --dry-run         print the rows to act on without changing them
  --dir DIR         the lab's directory (default .lab)
  --json            print JSON on stdout: one document for list, one line per row otherwise

Exit code: 0 if every row was done, 1 if one was not, 2 for unusable arguments, 130 if it was stopped before every row was
begun.

Examples:
  npm run contain -- list --state held
  npm run contain -- approve 5d0c7c1f40aa --why "CASE-17: a theft"
  npm run contain -- approve --all --reason cap --since 1h --why "CASE-17: thefts at one office"
`

const OPTIONS = {
  all: { type: 'boolean', default: false },
  why: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  state: { type: 'string' },
  reason: { type: 'string' },
  detection: { type: 'string' },
  since: { type: 'string' },
  dir: { type: 'string', default: '.lab' },
  json: { type: 'boolean', default: false },
} as const

/** A verb that changes rows. */
interface Change {
  /** The states that `--all` takes without `--state`. */
  readonly states: readonly ContainmentState[]
  /** The states that a row may be in. */
  readonly takes: readonly ContainmentState[]
  readonly act: (row: Containment, deps: FunctionsDeps, decision: Decision) => Promise<Containment>
  readonly isDone: (row: Containment) => boolean
}

const carryOut: Pick<Change, 'act' | 'isDone'> = {
  act: (row, deps, decision) => retry(row, randomUUID(), deps.contain, decision),
  // A block that has expired is closed without effect.
  isDone: ({ state }) => state === 'done' || state === 'closed',
}
const CHANGES: Readonly<Record<string, Change>> = {
  approve: { ...carryOut, states: ['held'], takes: ['held'] },
  // Pending rows continue by themselves under the cap, so --all takes them only with --state pending.
  retry: { ...carryOut, states: ['failed'], takes: ['failed', 'pending', 'held'] },
  undo: {
    states: ['done', 'held', 'failed', 'pending'],
    takes: ['done', 'held', 'failed', 'pending', 'closed'],
    act: (row, deps, decision) => undo(row, randomUUID(), deps.contain, decision),
    isDone: ({ state }) => state === 'undone',
  },
}
const VERBS = ['list', 'show', 'watch', ...Object.keys(CHANGES)]
const POLL_MS = 1_000
const LINE_WIDTH = 80
/** As a shell reports a command that Ctrl-C ended. */
const STOPPED = 130

export const command: Command = {
  name: 'contain',
  summary: 'the containment ledger: list, show, watch, approve, retry, undo',
  usage: USAGE,
  async run(argv, io) {
    const { values, positionals } = readArguments({ args: [...argv], allowPositionals: true, options: OPTIONS })
    const [verb = '', ...ids] = positionals
    if (verb === '') throw new UsageError(`Missing command: ${VERBS.join(', ')}.`)
    if (!VERBS.includes(verb)) throw new UsageError(unknownName('command', verb, VERBS))
    const selection = readSelection(values, Date.now())
    const change = Object.hasOwn(CHANGES, verb) ? CHANGES[verb] : undefined
    check({ verb, ids, all: values.all, selection, change })
    const dryRun = values['dry-run']
    const decision = change && !dryRun ? await readDecision(values.why, values.all, io) : {}

    const deps = await openLedger(resolve(values.dir), io)
    try {
      if (verb === 'list') return await list(selection, values.json, io, deps)
      if (verb === 'watch') return await watchLedger(selection, values.json, io, deps)
      const wanted = change?.states ?? []
      const found = values.all
        ? {
            rows: await select({ ...selection, states: selection.states ?? wanted }, deps.stores.containments),
            missing: 0,
          }
        : await findRows(ids, io, deps)
      const code = found.missing > 0 ? 1 : 0
      if (!change) return Math.max(code, show(found.rows, values.json, io))
      if (found.rows.length === 0) {
        if (values.all) io.err('No containments.\n')
        return code
      }
      if (dryRun) return Math.max(code, preview(found.rows, change, values.json, io))
      return Math.max(code, await carryOutAll(found.rows, change, decision, values.json, io, deps))
    } finally {
      await deps.close()
    }
  },
}

interface Arguments {
  readonly verb: string
  readonly ids: readonly string[]
  readonly all: boolean
  readonly selection: Selection
  readonly change: Change | undefined
}

/** @throws UsageError when the arguments contradict each other */
function check({ verb, ids, all, selection, change }: Arguments): void {
  const isOfLedger = verb === 'list' || verb === 'watch'
  if (isOfLedger && ids.length > 0) throw new UsageError(`${verb} takes no ID: leave out ${ids[0]}`)
  if (!change && all) throw new UsageError(`${verb} does not take --all: only ${Object.keys(CHANGES).join(', ')} do`)
  if (isOfLedger) return
  if (all && ids.length > 0) throw new UsageError(`Give --all or IDs, not both: ${ids[0]}`)
  if (!all && ids.length === 0) {
    throw new UsageError(`Missing ID. See "npm run contain -- list"${change ? ', or give --all' : ''}.`)
  }
  if (!all && !isEmpty(selection)) throw new UsageError('Filters need --all, list or watch: leave them out with IDs')
  const [state] = selection.states ?? []
  if (change && state !== undefined && !change.takes.includes(state)) {
    throw new UsageError(`${verb} takes rows that are ${change.takes.join(' or ')}, not ${state}`)
  }
  if (verb === 'undo' && all && isEmpty(selection)) {
    throw new UsageError('undo --all needs a filter, such as --state, --detection or --since')
  }
}

async function list(selection: Selection, asJson: boolean, io: Io, deps: FunctionsDeps): Promise<number> {
  const rows = await select(selection, deps.stores.containments)
  if (asJson) json(io, rows)
  else if (rows.length === 0) io.err('No containments.\n')
  else io.out(`${fittedLines(table(rows), io)}\n`)
  return 0
}

function show(rows: readonly Containment[], asJson: boolean, io: Io): number {
  for (const [at, row] of rows.entries()) {
    if (asJson) json(io, row)
    else io.out(`${at > 0 ? '\n' : ''}${fittedLines(describe(row), io)}\n`)
  }
  return 0
}

async function watchLedger(selection: Selection, asJson: boolean, io: Io, deps: FunctionsDeps): Promise<number> {
  await watch({
    read: (changedSince) => select(selection, deps.stores.containments, changedSince),
    begun: () => io.err('Waiting for new and changed rows; Ctrl-C ends.\n'),
    report: (row) => (asJson ? json(io, row) : io.out(`${fittedLines(changeLine(row), io)}\n`)),
    failed: (error) =>
      io.err(`The ledger could not be read: ${messageOf(error)}. It is read again in ${POLL_MS / 1000} s.\n`),
    everyMs: POLL_MS,
    now: Date.now,
    signal: io.signal,
  })
  return 0
}

/** The rows for ids or unique beginnings of ids. Reports on stderr each id that matches none or several. */
async function findRows(
  ids: readonly string[],
  io: Io,
  deps: FunctionsDeps,
): Promise<{ rows: Containment[]; missing: number }> {
  const all = await deps.stores.containments.list({})
  const rows = new Map<string, Containment>()
  let missing = 0
  for (const id of ids) {
    const found = all.filter((row) => row.id.startsWith(id))
    const [row] = found
    if (row && found.length === 1) rows.set(row.id, row)
    else {
      missing++
      io.err(
        row
          ? `Not possible: ${found.length} containments begin with ${id}. Give more characters of the ID.\n`
          : `No containment begins with ${id}. See "npm run contain -- list".\n`,
      )
    }
  }
  return { rows: [...rows.values()], missing }
}

function preview(rows: readonly Containment[], change: Change, asJson: boolean, io: Io): number {
  const possible = rows.filter(({ state }) => change.takes.includes(state))
  if (asJson) for (const row of possible) json(io, row)
  else if (possible.length > 0) io.out(`${fittedLines(table(possible), io)}\n`)
  io.err(`Would act on ${possible.length} of ${rows.length}; changed nothing.\n`)
  return possible.length === rows.length ? 0 : 1
}

async function carryOutAll(
  rows: readonly Containment[],
  change: Change,
  decision: Decision,
  asJson: boolean,
  io: Io,
  deps: FunctionsDeps,
): Promise<number> {
  const progress = new Progress(rows.length, io)
  const settled: Containment[] = []
  const unbegun = await actOnAll(rows, {
    async act(row) {
      if (!change.takes.includes(row.state))
        throw new NotPossible(`it is ${row.state}, not ${change.takes.join(' or ')}`)
      return change.act(row, deps, decision)
    },
    isDone: change.isDone,
    find: ({ detection, id }) => deps.stores.containments.find(detection, id),
    signal: io.signal,
    done(item) {
      progress.add(item)
      settled.push(item.row)
      if (asJson) json(io, 'error' in item ? { ...item.row, error: item.error } : item.row)
      else reportFailure(item, io)
    },
  })
  const [only] = settled
  if (!asJson && only) io.out(`${fittedLines(rows.length === 1 ? describe(only) : table(settled), io)}\n`)
  progress.end(unbegun.length)
  if (rows.length === 1 && only) io.err(`${sentence(only)}\n`)
  if (unbegun.length > 0) return STOPPED
  return progress.allDone ? 0 : 1
}

/** Lines that fit the terminal. Elsewhere they stay whole, because programs read them. */
const fittedLines = (text: string, io: Io): string =>
  text
    .split('\n')
    .map((line) => fitted(line, io.width))
    .join('\n')

/** One row is explained: its state alone does not say what became of a session or a network. */
const sentence = (row: Containment): string => wrapped(sentenceOf(row, Date.now()), LINE_WIDTH).join('\n')

function reportFailure(item: Item, io: Io): void {
  if (item.kind === 'refused') io.err(`Not possible: ${item.row.id.slice(0, 12)}: ${item.error}.\n`)
  if (item.kind === 'failed') io.err(`Failed: ${item.row.id.slice(0, 12)}: ${item.error}\n`)
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
