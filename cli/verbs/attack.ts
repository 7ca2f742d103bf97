import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Attack, TARGETS } from '../../attacks/attack.ts'
import { allowedHosts, TargetRefused } from '../../attacks/clients/allow-list.ts'
import { AccountsMissing } from '../../attacks/clients/ready-accounts.ts'
import { RequestFailed } from '../../attacks/clients/request-failed.ts'
import { attacks } from '../../attacks/index.ts'
import { newSeed, SEED_MAX } from '../../attacks/random.ts'
import { type Command, type Io, UsageError } from '../command.ts'
import { columns, json, paint } from '../output.ts'
import { readAccounts } from '../verify/accounts.ts'
import { attackNamed, targetsNamed, targetsOf, wholeNumber } from '../verify/arguments.ts'
import { runAttack } from '../verify/run-attack.ts'

const usage = `Usage: npm run attack -- list [--json]
       npm run attack -- show <slug> [--json]
       npm run attack -- run <slug> [<options>]

Carries out an attack, step by step, against the lab that runs; start one with \`npm start\`. There you also see the alert
and the containment as they come, and the attacker lose.

Options of run:
  --target WHICH     web, functions or both (default both)
  --twin             what resembles the attack and is harmless, instead
  --seed N           repeat an earlier run's choices
  --json             one line of JSON per target on stdout, the story on stderr
  --dir DIR          where the lab runs (default .lab)
  --base-url URL     another target than the lab's; goes with one --target, and with accounts or a mailbox
  --accounts FILE    accounts of that target, in place of invented ones: a JSON list of {"email", "password"}, or one such
                     object on each line. New ones without a second factor; an attack may change their passwords
  --mailbox URL      where mail to invented addresses of that target can be read: what \`npm run lab:stores\` prints
  --allow-host HOST  allow a host that is not this machine; or in ATO_ATTACK_ALLOW_HOSTS, comma-separated

Attack only what is yours to attack. Exit code 1: a request failed or, in the lab, the attacker was not contained.

Examples:
  npm run attack -- list
  npm run attack -- run session-reuse --target web
  npm run attack -- run credential-stuffing --target functions --twin
  npm run attack -- run session-reuse --target web --base-url https://app.example.com --allow-host app.example.com \\
    --accounts accounts.jsonl
`

export const command: Command = {
  name: 'attack',
  summary: 'lists attacks, and carries them out against the lab',
  usage,
  async run(argv, io) {
    const [verb, ...rest] = argv
    if (verb === 'list') return list(rest, io)
    if (verb === 'show') return show(rest, io)
    if (verb === 'run') return run(rest, io)
    throw new UsageError(verb === undefined ? 'What? list, show or run' : `${verb}: must be list, show or run`)
  },
}

function list(argv: readonly string[], io: Io): number {
  const { values } = parseArgs({ args: [...argv], options: { json: { type: 'boolean', default: false } } })
  if (values.json) json(io, attacks.map(recordOf))
  else {
    const head = ['slug', 'ATT&CK', 'targets', 'ends', 'what it is'].map((word) => paint(io, 'bold', word))
    const rows = attacks.map(({ slug, techniques, targets, ends = 'contained', title }) => [
      slug,
      techniques.map(({ id }) => id).join(' '),
      targets.join(', '),
      ends,
      title,
    ])
    io.out(`${columns([head, ...rows])}\n`)
  }
  return 0
}

function show(argv: readonly string[], io: Io): number {
  const options = { json: { type: 'boolean', default: false } } as const
  const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options })
  const attack = onlyAttack('show', positionals)
  if (values.json) {
    json(io, recordOf(attack))
    return 0
  }
  const { slug, title, techniques, targets, does, runbook, twin } = attack
  const ending =
    attack.ends === 'prevented'
      ? ['  prevented', attack.prevention]
      : ['  trips', `detections/${attack.trips}/monitor.json`]
  io.out(`${paint(io, 'bold', `${slug}: ${title}`)}

${wrap(does)}

${columns([
  ['  ATT&CK', techniques.map(({ id, name }) => `${id} ${name}`).join('; ')],
  ['  targets', targets.join(', ')],
  ending,
  ['  runbook', runbook],
])}

${paint(io, 'bold', `Its benign twin: ${twin.title}`)}

${wrap(twin.does)}
`)
  return 0
}

async function run(argv: readonly string[], io: Io): Promise<number> {
  const options = readOptions(argv)
  const narrate = (text: string) => (options.json ? io.err(text) : io.out(text))
  try {
    let holds = true
    for (const target of options.targets) {
      const report = await runAttack({ ...options, target, narrate, color: io.color, signal: io.signal })
      if (options.json) json(io, report)
      holds &&= report.ok
    }
    return holds ? 0 : 1
  } catch (error) {
    if (error instanceof AccountsMissing) throw new UsageError(error.message)
    if (!(error instanceof TargetRefused) && !(error instanceof RequestFailed)) throw error
    io.err(`${paint(io, 'red', error.message)}\n`)
    return error instanceof TargetRefused ? 2 : 1
  }
}

function readOptions(argv: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      target: { type: 'string' },
      twin: { type: 'boolean', default: false },
      seed: { type: 'string' },
      json: { type: 'boolean', default: false },
      dir: { type: 'string', default: '.lab' },
      'base-url': { type: 'string' },
      accounts: { type: 'string' },
      mailbox: { type: 'string' },
      'allow-host': { type: 'string', multiple: true, default: [] },
    },
  })
  const attack = onlyAttack('run', positionals)
  const baseUrl = values['base-url']
  const targets = values.target === undefined ? TARGETS : targetsNamed(values.target)
  if (baseUrl !== undefined && targets.length > 1) {
    throw new UsageError('--base-url is of one target: say --target web or --target functions')
  }
  const { accounts, mailbox } = values
  for (const [name, value] of Object.entries({ accounts, mailbox })) {
    if (value !== undefined && baseUrl === undefined)
      throw new UsageError(`--${name} goes with --base-url: the lab needs none`)
  }
  if (accounts !== undefined && mailbox !== undefined)
    throw new UsageError('--accounts and --mailbox: name one of them')
  return {
    ...{ mailbox, accounts: accounts === undefined ? undefined : readAccounts(readFile(accounts), accounts) },
    ...{ attack, baseUrl, twin: values.twin, json: values.json, dir: resolve(values.dir) },
    allowedHosts: allowedHosts(values['allow-host'], process.env.ATO_ATTACK_ALLOW_HOSTS),
    targets: targetsOf([attack], targets),
    seed: values.seed === undefined ? newSeed() : wholeNumber('--seed', values.seed, 0, SEED_MAX),
  }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}

function onlyAttack(verb: string, positionals: readonly string[]): Attack {
  const [slug, ...more] = positionals
  if (slug === undefined || more.length > 0) throw new UsageError(`${verb} takes one attack by its slug`)
  return attackNamed(slug)
}

function recordOf(attack: Attack) {
  const { slug, title, techniques, targets, does, ends = 'contained', runbook, twin } = attack
  const how = attack.ends === 'prevented' ? { prevention: attack.prevention } : { trips: attack.trips }
  return {
    ...{ slug, title, techniques, targets, does, ends, ...how, runbook },
    twin: { title: twin.title, does: twin.does },
  }
}

const WIDTH = 100

function wrap(text: string): string {
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && line.length + 1 + word.length > WIDTH) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines.join('\n')
}
