import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readArguments, reasonOf, reflowed, UsageError, unknownName, wholeNumber } from 'alertproof/cli'
import { newSeed, SEED_MAX } from '../../attacks/kit/random.ts'
import { killAll } from '../../lab/processes/part.ts'
import { buildApps } from '../../lab/start/prepare.ts'
import { removeAbandoned, removeLab } from '../../lab/stores/remove.ts'
import { groups } from './groups.ts'
import { bundleHost } from './host-bundle.ts'
import { runGroups } from './run.ts'
import { unmountBelow } from './small-disk.ts'
import { faultsIn, faultsPage, holds, markdownTable } from './table.ts'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
const PAGE = join(PROJECT, 'docs', 'faults.md')
const VICTIMS = 20
const LABS = 4

const USAGE = `Usage: npm run test:faults [-- <options>]

Injects each fault of docs/faults.md into labs of its own, asks every victim and every bystander by real requests, and
prints the table. A run of everything also writes docs/faults.md. Exit code 0 only if every number is 0 and every fault heals in time.

Options:
  --only NAME      one fault; can be repeated
  --victims N      accounts per fault (default ${VICTIMS})
  --seed N         repeat an earlier run's choices
  --labs N         how many labs run at the same time, up to 32 (default ${LABS})
  --json           the outcomes as one JSON document on stdout instead of the table
  --no-page        leave docs/faults.md as it is
  --help           this text

Faults:
${groups.map(({ name, scenarios }) => `  ${name}: ${scenarios.map((scenario) => scenario.name).join(', ')}`).join('\n')}
`

const began = performance.now()
const err = (text: string) => void process.stderr.write(`${text}\n`)
const say = (text: string) => err(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}`)
const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (stopping.signal.aborted) {
      killAll()
      process.exit(130)
    }
    err(`Stopping (${signal}); once more ends everything at once.`)
    stopping.abort(new Error(`stopped by ${signal}`))
  })
}

const code = await main(process.argv.slice(2)).catch(failed)
// A pipe takes 64 KiB at once: what its reader has not come to yet would be lost.
await new Promise<void>((taken) => void process.stdout.write('', () => taken()))
process.exit(code)

function failed(error: unknown): number {
  if (error instanceof UsageError) {
    err(`${error.message}\nRun "npm run test:faults -- --help" for usage.`)
    return 2
  }
  err(process.env.DEBUG && error instanceof Error && error.stack ? error.stack : reasonOf(error))
  return 1
}

async function main(argv: string[]): Promise<number> {
  const options = readOptions(argv)
  if (options === 'help') {
    process.stdout.write(reflowed(USAGE))
    return 0
  }
  const { only, seed, victims, labs } = options
  const parent = join(PROJECT, '.lab', 'faults')
  await unmountBelow(parent)
  await removeAbandoned(parent)
  const dir = join(parent, `${process.pid}-${randomBytes(4).toString('hex')}`)
  try {
    say(`seed ${seed}; building`)
    await buildApps(PROJECT)
    const hostBundle = await bundleHost(dir)
    const run = { groups, only, seed, victims, labs, dir, hostBundle, say, signal: stopping.signal }
    const { outcomes, redis } = await runGroups(run)
    if (stopping.signal.aborted) return 130
    const facts = { seed, victims, redis, node: process.versions.node }
    const good = holds(outcomes)
    if (options.json)
      process.stdout.write(`${JSON.stringify({ ...facts, holds: good, outcomes: outcomes.map(plain) })}\n`)
    else process.stdout.write(`${markdownTable(outcomes)}\n`)
    if (only.length === 0 && options.page) await writeFile(PAGE, faultsPage(outcomes, facts))
    for (const outcome of outcomes) {
      const faults = faultsIn(outcome)
      if (faults.length > 0) err(`${outcome.scenario.name} does not hold: ${faults.join(', ')}`)
    }
    const count = (kind: string) => outcomes.filter((outcome) => outcome.kind === kind).length
    say(`${outcomes.length} faults, ${count('skipped')} skipped; ${good ? 'all hold' : 'not all hold'}`)
    return good ? 0 : 1
  } finally {
    await unmountBelow(dir)
    await removeLab(dir)
  }
}

type Outcomes = Awaited<ReturnType<typeof runGroups>>['outcomes']

/** One outcome for programs. */
function plain(outcome: Outcomes[number]): object {
  const { name, fault, injected } = outcome.scenario
  const about = { name, fault, injected, kind: outcome.kind }
  return outcome.kind === 'measured'
    ? { ...about, ...outcome.row, ms: Math.round(outcome.ms) }
    : { ...about, why: outcome.why }
}

function readOptions(argv: string[]) {
  const { values } = readArguments({
    args: argv,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      victims: { type: 'string', default: String(VICTIMS) },
      seed: { type: 'string' },
      labs: { type: 'string', default: String(LABS) },
      json: { type: 'boolean', default: false },
      'no-page': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const names = groups.flatMap(({ scenarios }) => scenarios.map(({ name }) => name))
  for (const name of values.only) {
    if (!names.includes(name)) throw new UsageError(unknownName('fault', name, names))
  }
  return {
    only: values.only,
    json: values.json,
    page: !values['no-page'],
    victims: wholeNumber('--victims', values.victims, 1, 1000),
    labs: wholeNumber('--labs', values.labs, 1, 32),
    seed: values.seed === undefined ? newSeed() : wholeNumber('--seed', values.seed, 0, SEED_MAX),
  }
}
