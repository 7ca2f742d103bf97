import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  type Command,
  described,
  type Io,
  json,
  paint,
  readArguments,
  reasonOf,
  UsageError,
  wrapped,
} from 'alertproof/cli'
import { attacks } from '../../attacks/index.ts'
import { type Attack, TARGETS } from '../../attacks/kit/attack.ts'
import { allowedHosts, TargetRefused } from '../../attacks/kit/clients/allow-list.ts'
import { AccountsMissing } from '../../attacks/kit/clients/ready-accounts.ts'
import { RequestFailed } from '../../attacks/kit/clients/request-failed.ts'
import { newSeed, SEED_MAX } from '../../attacks/kit/random.ts'
import { commandNamed } from '../command-named.ts'
import { readAccounts } from '../verify/accounts.ts'
import { attackNamed, targetsNamed, targetsOf, wholeNumber } from '../verify/arguments.ts'
import { endOf } from '../verify/ending.ts'
import { NobodySignedIn } from '../verify/mine.ts'
import { runAttack } from '../verify/run-attack.ts'

const USAGE = `Usage: npm run attack -- list [--json]
       npm run attack -- show <slug> [--json]
       npm run attack -- run <slug> [<options>]

Carries out an attack step by step. The target is the running lab, which \`npm start\` starts; there the output also shows
the alert, the containment and the refused attacker.

Options of run:
  --target WHICH     web, functions or both (default both)
  --mine             rob your own session: the one that a browser of this machine used last. Sign in first
  --sid SID          with --mine: the session that your dashboard shows
  --twin             carry out the benign twin, which resembles the attack and harms nobody
  --seed N           repeat the choices of an earlier run
  --json             print one line of JSON per target on stdout, and the narration on stderr
  --dir DIR          the lab's directory (default .lab)
  --base-url URL     attack this address instead of the lab; needs one --target, and --accounts or --mailbox
  --accounts FILE    existing accounts of that target: a JSON list of {"email", "password"}, or one such object per line.
                     Use new accounts without a second factor; an attack may change their passwords
  --mailbox URL      mailbox of that target, where new accounts are confirmed; \`npm run lab:stores\` prints it
  --allow-host HOST  allow a host other than this machine; ATO_ATTACK_ALLOW_HOSTS holds several, comma-separated

Attack only systems that you may attack. Exit code: 0 for success, 1 if a request failed or, in the lab, if the attacker was
not contained, 2 for unusable arguments.

Examples:
  npm run attack -- list
  npm run attack -- run session-reuse --target web
  npm run attack -- run session-reuse --mine
  npm run attack -- run credential-stuffing --target functions --twin
  npm run attack -- run session-reuse --target web --base-url https://app.example.com --allow-host app.example.com \\
    --accounts accounts.jsonl
`

export const command: Command = {
  name: 'attack',
  summary: 'list attacks and carry them out against the lab',
  usage: USAGE,
  async run(argv, io) {
    const [verb, ...rest] = argv
    return { list, show, run }[commandNamed(verb, ['list', 'show', 'run'])](rest, io)
  },
}

function list(argv: readonly string[], io: Io): number {
  const { values } = readArguments({ args: [...argv], options: { json: { type: 'boolean', default: false } } })
  if (values.json) json(io, attacks.map(recordOf))
  else {
    const head = ['slug', 'ATT&CK', 'targets', 'ends', 'what it is'].map((word) => paint(io, 'bold', word))
    const rows = attacks.map((attack) => [
      attack.slug,
      attack.techniques.map(({ id }) => id).join(' '),
      attack.targets.join(', '),
      endOf(attack),
      attack.title,
    ])
    io.out(`${described([head, ...rows])}\n`)
  }
  return 0
}

function show(argv: readonly string[], io: Io): number {
  const options = { json: { type: 'boolean', default: false } } as const
  const { values, positionals } = readArguments({ args: [...argv], allowPositionals: true, options })
  const attack = attackOf('show', positionals)
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

${wrapped(does).join('\n')}

${described([
  ['  ATT&CK', techniques.map(({ id, name }) => `${id} ${name}`).join('; ')],
  ['  targets', targets.join(', ')],
  ending,
  ['  runbook', runbook],
])}

${paint(io, 'bold', `Its benign twin: ${twin.title}`)}

${wrapped(twin.does).join('\n')}
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
    if (!(error instanceof TargetRefused) && !(error instanceof RequestFailed) && !(error instanceof NobodySignedIn))
      throw error
    io.err(`${paint(io, 'red', error.message)}\n`)
    return error instanceof TargetRefused ? 2 : 1
  }
}

function readOptions(argv: readonly string[]) {
  const { values, positionals } = readArguments({
    args: [...argv],
    allowPositionals: true,
    options: {
      target: { type: 'string' },
      mine: { type: 'boolean', default: false },
      sid: { type: 'string' },
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
  const attack = attackOf('run', positionals)
  const baseUrl = values['base-url']
  const mine = readMine(values, attack)
  const targets = mine ? (['web'] as const) : values.target === undefined ? TARGETS : targetsNamed(values.target)
  if (baseUrl !== undefined && targets.length > 1) {
    throw new UsageError('--base-url needs one target: add --target web or --target functions')
  }
  const { accounts, mailbox } = values
  for (const [name, value] of Object.entries({ accounts, mailbox })) {
    if (value !== undefined && baseUrl === undefined)
      throw new UsageError(`--${name} needs --base-url: leave it out for the lab`)
  }
  if (accounts !== undefined && mailbox !== undefined) throw new UsageError('Give --accounts or --mailbox, not both')
  return {
    mine,
    mailbox,
    accounts: accounts === undefined ? undefined : readAccounts(readFile(accounts), accounts),
    attack,
    baseUrl,
    twin: values.twin,
    json: values.json,
    dir: resolve(values.dir),
    allowedHosts: allowedHosts(values['allow-host'], process.env.ATO_ATTACK_ALLOW_HOSTS),
    targets: targetsOf([attack], targets),
    seed: values.seed === undefined ? newSeed() : wholeNumber('--seed', values.seed, 0, SEED_MAX),
  }
}

/** @throws UsageError unless the attack can rob the person at the screen, in the lab */
function readMine(
  values: { mine: boolean; sid?: string; twin: boolean; 'base-url'?: string; target?: string },
  { slug, robsYou }: Attack,
): { sid: string | undefined } | undefined {
  const { mine, sid, twin, target } = values
  if (!mine && sid !== undefined) throw new UsageError('--sid needs --mine')
  if (!mine) return undefined
  const robbing = attacks.filter((attack) => attack.robsYou).map((attack) => attack.slug)
  if (!robsYou) throw new UsageError(`--mine: ${slug} invents its victims; use ${robbing.join(' or ')}`)
  if (twin || values['base-url'] !== undefined || (target !== undefined && target !== 'web')) {
    throw new UsageError(
      '--mine is for your browser at the lab: leave out --twin, --base-url and other targets than web',
    )
  }
  return { sid }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${reasonOf(error)}`)
  }
}

function attackOf(verb: string, positionals: readonly string[]): Attack {
  const [slug, ...more] = positionals
  if (slug === undefined) throw new UsageError('Missing <slug>. See "npm run attack -- list".')
  if (more.length > 0) throw new UsageError(`Unexpected argument "${more[0]}": ${verb} takes one slug.`)
  return attackNamed(slug)
}

function recordOf(attack: Attack) {
  const { slug, title, techniques, targets, does, runbook, twin } = attack
  const ends = endOf(attack)
  const how = attack.ends === 'prevented' ? { prevention: attack.prevention } : { trips: attack.trips }
  return {
    slug,
    title,
    techniques,
    targets,
    does,
    ends,
    ...how,
    runbook,
    twin: { title: twin.title, does: twin.does },
  }
}
